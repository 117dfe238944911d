//go:build unix && !linux

package localcache

import (
	"errors"
	"syscall"
)

func namespace() *syscall.SysProcAttr { return nil }

func mountSmall(string, int) error { return errors.ErrUnsupported }
