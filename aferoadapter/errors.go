package aferoadapter

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// known is the errors that callers of afero compare by identity, in the order in
// which they are looked for.
var known = []struct{ is, as error }{
	{fs.ErrClosed, os.ErrClosed},
	{cloudpath.ErrIsDirectory, syscall.EISDIR},
	{cloudpath.ErrNotDirectory, syscall.ENOTDIR},
	{cloudpath.ErrNotEmpty, syscall.ENOTEMPTY},
	{fs.ErrExist, os.ErrExist},
	{cloudpath.ErrPreconditionFailed, syscall.ESTALE},
	{cloudpath.ErrChanged, syscall.ESTALE},
	{cloudpath.ErrInvalidPath, syscall.EINVAL},
	{fs.ErrInvalid, syscall.EINVAL},
	{fs.ErrNotExist, os.ErrNotExist},
	{fs.ErrPermission, os.ErrPermission},
}

// plain is an error as callers of afero know it: what they compare with as it is,
// else the innermost words, without a PathError around them.
func plain(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // it takes the error apart
		case *os.PathError:
			err = e.Err
			continue
		case *os.SyscallError:
			err = e.Err
			continue
		case syscall.Errno:
			return sentinel(e)
		}
		break
	}
	if !errors.Is(err, errors.ErrUnsupported) { // whose words are the advice
		for _, k := range known {
			if errors.Is(err, k.is) {
				return k.as
			}
		}
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return several{err}
	}
	return err
}

// several is what went wrong with several objects, each under its own name, which
// is not the name that the caller gave.
type several struct{ err error }

func (s several) Error() string        { return s.err.Error() }
func (s several) Is(target error) bool { return errors.Is(s.err, target) }

// As finds all but the PathErrors.
func (s several) As(target any) bool {
	if _, ok := target.(**os.PathError); ok {
		return false
	}
	return errors.As(s.err, target)
}

// sentinel is the package-level error that an errno of the local disk stands for.
func sentinel(errno syscall.Errno) error {
	for _, s := range []error{os.ErrNotExist, os.ErrExist, os.ErrPermission} {
		if errno != syscall.ENOTEMPTY && errors.Is(errno, s) { // which is an ErrExist to package syscall
			return s
		}
	}
	return errno
}

// failure is what an operation on a name returns.
func failure(op, name string, err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // only a bare io.EOF is an end
		return err
	}
	return &os.PathError{Op: op, Path: name, Err: plain(err)}
}

// sentAlready is the error of a streaming handle that was asked to change what is
// on its way.
func sentAlready(off int64) error {
	return fmt.Errorf("%w: byte %d was sent to the server already; a file opened with os.O_RDWR can be rewritten anywhere", errors.ErrUnsupported, off)
}
