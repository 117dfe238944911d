package s3server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// awsExample is the upload in signed chunks that the documentation of Signature Version 4
// works through.
func awsExample() signature {
	key := mac(mac(mac(mac([]byte("AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "20130524"), "us-east-1"), "s3"), "aws4_request")
	return signature{
		key: key, time: "20130524T000000Z", scope: "20130524/us-east-1/s3/aws4_request",
		value: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	}
}

func signedChunks(one, two, last string) string {
	return fmt.Sprintf("10000;chunk-signature=%s\r\n%s\r\n400;chunk-signature=%s\r\n%s\r\n0;chunk-signature=%s\r\n\r\n",
		one, strings.Repeat("a", 65536), two, strings.Repeat("a", 1024), last)
}

const (
	exampleOne  = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
	exampleTwo  = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
	exampleLast = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
)

func TestSignedChunks(t *testing.T) {
	for _, row := range []struct{ name, one, two, last, code string }{
		{"the example of AWS", exampleOne, exampleTwo, exampleLast, ""},
		{"the first chunk signed wrong", exampleTwo, exampleTwo, exampleLast, "SignatureDoesNotMatch"},
		{"the second chunk signed wrong", exampleOne, exampleOne, exampleLast, "SignatureDoesNotMatch"},
		{"the end signed wrong", exampleOne, exampleTwo, exampleOne, "SignatureDoesNotMatch"},
	} {
		for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
			t.Run(row.name, func(t *testing.T) {
				u := newUnframer(wrap(strings.NewReader(signedChunks(row.one, row.two, row.last))), 66560, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", awsExample())
				got, err := io.ReadAll(u)
				var api *apiError
				if errors.As(err, &api) != (row.code != "") || api != nil && api.code != row.code {
					t.Fatalf("got %v, want %q", err, row.code)
				}
				if err == nil && !bytes.Equal(got, bytes.Repeat([]byte("a"), 66560)) {
					t.Errorf("%d bytes that differ", len(got))
				}
			})
		}
	}
}

// TestSignedTrailer signs a trailer the way it is checked, and changes it afterwards.
func TestSignedTrailer(t *testing.T) {
	sig := awsExample()
	end := sig.next("AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+emptyHash)
	const hashOfTrailer = "e5366c8df32d5933cdd51ee4199f79252c088c969e5844b69c32c4ac52799cfc"
	trailer := sig.next("AWS4-HMAC-SHA256-TRAILER", hashOfTrailer)
	for _, row := range []struct{ name, crc, want string }{
		{"as it was signed", "AAAAAA==", ""},
		{"changed", "AAAAAQ==", "SignatureDoesNotMatch"},
	} {
		t.Run(row.name, func(t *testing.T) {
			body := fmt.Sprintf("0;chunk-signature=%s\r\nx-amz-checksum-crc32:%s\r\nx-amz-trailer-signature:%s\r\n\r\n", end, row.crc, trailer)
			u := newUnframer(strings.NewReader(body), 0, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", awsExample())
			_, err := io.ReadAll(u)
			var api *apiError
			if errors.As(err, &api); api == nil && row.want != "" || api != nil && api.code != row.want {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestBrokenFrames(t *testing.T) {
	for _, row := range []struct {
		name, body string
		size       int64
	}{
		{"a size that is none", "x\r\nabc\r\n0\r\n\r\n", 3},
		{"a negative size", "-3\r\nabc\r\n0\r\n\r\n", 3},
		{"a chunk longer than its size", "2\r\nabc\r\n0\r\n\r\n", 3},
		{"chunks longer than announced", "3\r\nabc\r\n0\r\n\r\n", 2},
		{"chunks shorter than announced", "3\r\nabc\r\n0\r\n\r\n", 4},
		{"a body that breaks in a chunk", "3\r\nab", 3},
		{"a body that breaks before the end", "3\r\nabc\r\n", 3},
		{"a trailer without a colon", "0\r\ntrailer\r\n\r\n", 0},
		{"a line without an end", strings.Repeat("1", 70000), 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, err := io.ReadAll(newUnframer(strings.NewReader(row.body), row.size, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", signature{})); err == nil {
				t.Errorf("read %q", got)
			}
		})
	}
}
