package s3server

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// unframer reads a body out of its aws-chunked frames and keeps the trailer behind them.
// Where the request was signed chunk by chunk, each signature is checked.
type unframer struct {
	src     *bufio.Reader
	left    int64 // of the whole body
	chunk   int64 // left of this chunk
	started bool
	done    bool
	trailer http.Header

	trailed   bool // the framing ends in a trailer
	signature signature
	signed    bool      // chunks carry signatures
	claimed   string    // by the chunk being read
	sum       hash.Hash // of the chunk being read
}

func newUnframer(body io.Reader, size int64, content string, sig signature) *unframer {
	u := &unframer{
		src:       bufio.NewReaderSize(body, 64<<10),
		left:      size,
		trailed:   strings.HasSuffix(content, "-TRAILER"),
		trailer:   make(http.Header),
		signature: sig,
		signed:    sig.key != nil && strings.HasPrefix(content, "STREAMING-AWS4-"),
	}
	if u.signed {
		u.sum = sha256.New()
	}
	return u
}

func (u *unframer) Read(b []byte) (int, error) {
	if u.done {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	for u.chunk == 0 {
		if err := u.nextChunk(); err != nil {
			return 0, err
		}
		if u.done {
			return 0, io.EOF
		}
	}
	n, err := u.src.Read(b[:min(int64(len(b)), u.chunk)])
	u.chunk -= int64(n)
	u.left -= int64(n)
	if u.signed {
		u.sum.Write(b[:n])
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextChunk reads the header of a chunk, and after the last one the trailer.
func (u *unframer) nextChunk() error {
	if u.started {
		if line, err := u.line(); err != nil {
			return err
		} else if line != "" {
			return badFraming("a chunk is longer than its header says")
		}
		if err := u.checkChunk(); err != nil {
			return err
		}
	}
	u.started = true
	line, err := u.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	u.chunk, err = strconv.ParseInt(size, 16, 64)
	if err != nil || u.chunk < 0 {
		return badFraming("a chunk's size is not a number")
	}
	u.claimed = strings.TrimPrefix(extension, "chunk-signature=")
	if u.chunk > u.left {
		return badFraming("the chunks are longer than x-amz-decoded-content-length")
	}
	if u.chunk > 0 {
		return nil
	}
	if u.left > 0 {
		return fail("IncompleteBody", "The request body terminated unexpectedly")
	}
	if err := u.checkChunk(); err != nil {
		return err
	}
	u.done = true
	return u.readTrailer()
}

func (u *unframer) readTrailer() error {
	var canonical bytes.Buffer
	for {
		line, err := u.line()
		if errors.Is(err, io.ErrUnexpectedEOF) && line == "" {
			break // some writers leave out the last empty line
		}
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return badFraming("a line of the trailer has no colon")
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		u.trailer.Set(name, value)
		if name = strings.ToLower(name); name != "x-amz-trailer-signature" {
			canonical.WriteString(name + ":" + value + "\n")
		}
	}
	if !u.signed || !u.trailed {
		return nil
	}
	sum := sha256.Sum256(canonical.Bytes())
	want := u.signature.next("AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(sum[:]))
	if !hmac.Equal([]byte(want), []byte(u.trailer.Get("X-Amz-Trailer-Signature"))) {
		return signatureMismatch()
	}
	return nil
}

// checkChunk compares the signature of the chunk just read.
func (u *unframer) checkChunk() error {
	if !u.signed {
		return nil
	}
	want := u.signature.next("AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+hex.EncodeToString(u.sum.Sum(nil)))
	u.sum.Reset()
	if !hmac.Equal([]byte(want), []byte(u.claimed)) {
		return signatureMismatch()
	}
	return nil
}

func (u *unframer) line() (string, error) {
	line, err := u.src.ReadSlice('\n')
	switch {
	case err == nil:
		return string(bytes.TrimRight(line, "\r\n")), nil
	case errors.Is(err, io.EOF):
		return string(line), io.ErrUnexpectedEOF
	case errors.Is(err, bufio.ErrBufferFull):
		return "", badFraming("a line has no end")
	}
	return "", err
}

func badFraming(what string) error {
	return fail("InvalidRequest", "The aws-chunked framing of the body is broken: %s.", what)
}
