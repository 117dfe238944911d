package s3path

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// ErrInvalidEndpoint is an endpoint that no request could be sent to.
var ErrInvalidEndpoint = errors.New("invalid endpoint")

// parseEndpoint gives scheme://host[:port]. A mistyped endpoint may hold a
// password or a key: what is repeated of it is the scheme and the host, when
// they can be told apart from the rest.
func parseEndpoint(text string) (string, error) {
	full := text
	if !strings.Contains(full, "://") {
		full = "https://" + full
	}
	u, err := url.Parse(full)
	switch {
	case strings.Contains(text, "@"):
		return "", fmt.Errorf("%w: it holds a user name or a password; give credentials with WithStaticCredentials", ErrInvalidEndpoint)
	case err != nil:
		return "", fmt.Errorf("%w: it is not a URL; the form is http://host:port or host:port", ErrInvalidEndpoint)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%w: the scheme is http or https, not %q", ErrInvalidEndpoint, u.Scheme)
	case u.Hostname() == "":
		return "", fmt.Errorf("%w: it names no host", ErrInvalidEndpoint)
	case u.Port() != "" && !validPort(u.Port()):
		return "", fmt.Errorf("%w: %s is no port", ErrInvalidEndpoint, u.Port())
	case u.Path != "" && u.Path != "/":
		return "", fmt.Errorf("%w: there is a path behind %s://%s; the bucket belongs into the s3:// path", ErrInvalidEndpoint, u.Scheme, u.Host)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return "", fmt.Errorf("%w: there is a query or a fragment behind %s://%s", ErrInvalidEndpoint, u.Scheme, u.Host)
	}
	return u.Scheme + "://" + u.Host, nil
}

// withoutUser is an endpoint without the user name and the password before its
// host, which an SDK client of the caller's own may have.
func withoutUser(endpoint string) string {
	scheme, rest, ok := strings.Cut(endpoint, "://")
	if i := strings.LastIndexByte(rest, '@'); ok && i >= 0 {
		return scheme + "://" + rest[i+1:]
	}
	return endpoint
}

func validPort(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16
}

// validRegion is what the SDK takes for a region: it becomes part of a host name.
func validRegion(region string) bool {
	for label := range strings.SplitSeq(region, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// trusting is a client that trusts the certificates in a PEM file.
func trusting(file string) (*awshttp.BuildableClient, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}), nil
}
