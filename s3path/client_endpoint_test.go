package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// An option comes before AWS_ENDPOINT_URL_S3, which comes before AWS_ENDPOINT_URL,
// which comes before the profile's.
func TestEndpointOrder(t *testing.T) {
	bareEnvironment(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	servers := map[string]*listener{}
	for _, name := range []string{"profile", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "option"} {
		servers[name] = listen(t, object)
	}
	asked := func(want string, opts ...s3path.ClientOption) {
		t.Helper()
		before := map[string]int{}
		for name, l := range servers {
			before[name] = l.Count()
		}
		if err := stat(t, openClient(t, opts...)); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		for name, l := range servers {
			if n := l.Count() - before[name]; (n == 1) != (name == want) {
				t.Errorf("want %s asked; %s was asked %d times", want, name, n)
			}
		}
	}
	configFile(t, "[default]\nendpoint_url = "+servers["profile"].URL+"\n")
	asked("profile")
	t.Setenv("AWS_ENDPOINT_URL", servers["AWS_ENDPOINT_URL"].URL)
	asked("AWS_ENDPOINT_URL")
	t.Setenv("AWS_ENDPOINT_URL_S3", servers["AWS_ENDPOINT_URL_S3"].URL)
	asked("AWS_ENDPOINT_URL_S3")
	asked("AWS_ENDPOINT_URL_S3", s3path.WithAnonymous())
	asked("option", s3path.WithEndpoint(servers["option"].URL))
	asked("option", s3path.WithEndpoint(servers["option"].URL), s3path.WithAnonymous())
	asked("option", s3path.WithEndpoint(servers["profile"].URL), s3path.WithEndpoint(servers["option"].URL))
	unset(t, "AWS_ENDPOINT_URL_S3")
	asked("AWS_ENDPOINT_URL", s3path.WithAnonymous())

	// Set, but not to be heeded.
	t.Setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
	for _, opts := range [][]s3path.ClientOption{nil, {s3path.WithAnonymous()}} {
		if got := openClient(t, opts...).String(); got != "s3path.Client(aws, us-east-1)" {
			t.Errorf("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: %s", got)
		}
	}
}

// With an endpoint and nothing else said: path-style, us-east-1. On AWS:
// virtual-hosted, in the region that was said.
func TestEndpointDefaults(t *testing.T) {
	bareEnvironment(t)
	keys := s3path.WithStaticCredentials("key", "secret", "")
	w := &wire{answer: object}
	for _, row := range []struct {
		name       string
		opts       []s3path.ClientOption
		url        string
		region     string
		isSecurely bool
	}{
		{"AWS", nil, "https://bucket.s3.us-east-1.amazonaws.com/key", "us-east-1", true},
		{"AWS, a region", []s3path.ClientOption{s3path.WithRegion("eu-west-1")}, "https://bucket.s3.eu-west-1.amazonaws.com/key", "eu-west-1", true},
		{"AWS, path-style", []s3path.ClientOption{s3path.WithAddressing(s3path.AddressingPath)}, "https://s3.us-east-1.amazonaws.com/bucket/key", "us-east-1", true},
		{"AWS, virtual-hosted", []s3path.ClientOption{s3path.WithAddressing(s3path.AddressingVirtual)}, "https://bucket.s3.us-east-1.amazonaws.com/key", "us-east-1", true},
		{"endpoint", []s3path.ClientOption{s3path.WithEndpoint("http://s3.test:9000")}, "http://s3.test:9000/bucket/key", "us-east-1", false},
		{"endpoint with a slash", []s3path.ClientOption{s3path.WithEndpoint("https://s3.test/")}, "https://s3.test/bucket/key", "us-east-1", true},
		{"endpoint, a region", []s3path.ClientOption{s3path.WithEndpoint("http://s3.test"), s3path.WithRegion("garage")}, "http://s3.test/bucket/key", "garage", false},
		{"endpoint, auto", []s3path.ClientOption{s3path.WithEndpoint("http://s3.test"), s3path.WithAddressing(s3path.AddressingAuto)}, "http://s3.test/bucket/key", "us-east-1", false},
		{"endpoint, virtual-hosted", []s3path.ClientOption{s3path.WithEndpoint("http://s3.test:9000"), s3path.WithAddressing(s3path.AddressingVirtual)}, "http://bucket.s3.test:9000/key", "us-east-1", false},
		{"host and port alone", []s3path.ClientOption{s3path.WithEndpoint("s3.test:9000")}, "https://s3.test:9000/bucket/key", "us-east-1", true},
		{"a host alone", []s3path.ClientOption{s3path.WithEndpoint("s3.test")}, "https://s3.test/bucket/key", "us-east-1", true},
		{"an address and port alone", []s3path.ClientOption{s3path.WithEndpoint("[::1]:9000")}, "https://[::1]:9000/bucket/key", "us-east-1", true},
		{"a scheme in capitals", []s3path.ClientOption{s3path.WithEndpoint("HTTP://s3.test")}, "http://s3.test/bucket/key", "us-east-1", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := openClient(t, append([]s3path.ClientOption{keys, s3path.WithHTTPClient(w.client())}, row.opts...)...)
			if err := stat(t, c); err != nil {
				t.Fatal(err)
			}
			r := w.last(t)
			if got := r.URL.Scheme + "://" + r.URL.Host + r.URL.EscapedPath(); got != row.url {
				t.Errorf("asked %s, want %s", got, row.url)
			}
			if _, region := signedBy(r.Header); region != row.region {
				t.Errorf("signed for %s, want %s", region, row.region)
			}
			// A customer's key goes over https alone.
			_, err := c.Object("bucket", "key").Stat(t.Context(), s3path.WithSSECustomerKey(make([]byte, 32)))
			if errors.Is(err, errors.ErrUnsupported) == row.isSecurely {
				t.Errorf("a customer's key: %v", err)
			}
		})
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithAddressing(7)); err == nil || !strings.Contains(err.Error(), "WithAddressing") {
		t.Errorf("no such style: %v", err)
	}
}

// The virtual-hosted style reaches a server that serves it.
func TestVirtualHostedOnTheWire(t *testing.T) {
	l := listen(t, object)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, l.host())
	}
	c := openClient(t, s3path.WithEndpoint("http://s3.test"), s3path.WithAddressing(s3path.AddressingVirtual), s3path.WithAnonymous(),
		s3path.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}))
	if err := stat(t, c); err != nil {
		t.Fatal(err)
	}
	if r := l.last(t); r.Host != "bucket.s3.test" || r.Target != "/key" {
		t.Errorf("asked %s for %s", r.Host, r.Target)
	}
}

func TestRegionOrder(t *testing.T) {
	bareEnvironment(t)
	l := listen(t, object)
	t.Setenv("AWS_ENDPOINT_URL", l.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	region := func(want string, opts ...s3path.ClientOption) {
		t.Helper()
		if err := stat(t, openClient(t, opts...)); err != nil {
			t.Fatal(err)
		}
		if _, got := signedBy(l.last(t).Header); got != want {
			t.Errorf("signed for %q, want %q", got, want)
		}
	}
	region("us-east-1")
	configFile(t, "[default]\nregion = eu-west-1\n[profile p]\naws_access_key_id = key\naws_secret_access_key = secret\nregion = eu-west-2\n")
	region("eu-west-1")
	region("eu-west-2", s3path.WithProfile("p"))
	t.Setenv("AWS_DEFAULT_REGION", "eu-west-3")
	region("eu-west-3")
	t.Setenv("AWS_REGION", "eu-central-1")
	region("eu-central-1")
	region("eu-north-1", s3path.WithRegion("eu-north-1"))
	if got := openClient(t, s3path.WithAnonymous()).String(); got != fmt.Sprintf("s3path.Client(%s, eu-central-1)", l.URL) {
		t.Errorf("anonymous: %s", got)
	}
	for _, bad := range []string{"eu west", "eu/west", "-x", "eu..west", "us-east-1.evil.com/#", strings.Repeat("x", 64)} {
		if _, err := s3path.NewClient(t.Context(), s3path.WithRegion(bad)); err == nil || !strings.Contains(err.Error(), "WithRegion") {
			t.Errorf("region %q: %v", bad, err)
		}
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithRegion("")); err == nil || !strings.Contains(err.Error(), "WithRegion") {
		t.Errorf("an empty region: %v", err)
	}
	t.Setenv("AWS_REGION", "eu west")
	if _, err := s3path.NewClient(t.Context()); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("AWS_REGION: %v", err)
	}
}

// What somebody mistypes may hold a password or a key. It is refused, and not
// repeated.
func TestEndpointTypos(t *testing.T) {
	const secret = "hunter2SECRET"
	for _, typo := range []string{
		"http://user:" + secret + "@host:9000",
		"https://" + secret + "@host",
		"user:" + secret + "@host:9000",
		"http://user:" + secret + "%40host:9000",
		"http://host:9000/" + secret,
		"host:9000/bucket/" + secret,
		"http://host:9000?key=" + secret,
		"http://host:9000?",
		"http://host:9000#" + secret,
		"http://host:9000/#",
		"http://host:" + secret,
		"http://host:99999",
		"http://host:0",
		"http//host:9000",
		"http:/host:9000",
		"://host",
		"http://",
		"https://:9000",
		":9000",
		"",
		" http://host",
		"http://host\n",
		"http://ho st",
		"ftp://host",
		"s3://bucket",
		"file:///" + secret,
		"localhost:9000:9000",
	} {
		_, err := s3path.NewClient(t.Context(), s3path.WithEndpoint(typo))
		if !errors.Is(err, s3path.ErrInvalidEndpoint) || !strings.Contains(err.Error(), "WithEndpoint") {
			t.Errorf("%q: %v", typo, err)
			continue
		}
		noCanary(t, typo, err, secret)
	}
}

// The same holds for endpoints of the environment and of an aws.Config, and the
// error says where the endpoint comes from.
func TestEndpointTyposElsewhere(t *testing.T) {
	const typo = "http://user:hunter2SECRET@host"
	check := func(source string, opts ...s3path.ClientOption) {
		t.Helper()
		_, err := s3path.NewClient(t.Context(), opts...)
		if !errors.Is(err, s3path.ErrInvalidEndpoint) || !strings.Contains(err.Error(), source) {
			t.Errorf("%s: %v", source, err)
		}
		noCanary(t, source, err, "hunter2SECRET")
	}
	check("the AWS configuration", s3path.WithAWSConfig(aws.Config{BaseEndpoint: aws.String(typo)}))
	bareEnvironment(t)
	configFile(t, "[default]\nendpoint_url = "+typo+"\n")
	check("the AWS configuration")
	t.Setenv("AWS_ENDPOINT_URL", typo)
	check("AWS_ENDPOINT_URL:")
	check("AWS_ENDPOINT_URL:", s3path.WithAnonymous())
	t.Setenv("AWS_ENDPOINT_URL_S3", typo)
	check("AWS_ENDPOINT_URL_S3:")
	if c := openClient(t, s3path.WithEndpoint("http://localhost:9000")); c.String() != "s3path.Client(http://localhost:9000, us-east-1)" {
		t.Errorf("an option makes the variables irrelevant: %v", c)
	}
}

// An endpoint that cannot be reached says what to do about it.
func TestUnreachableEndpoint(t *testing.T) {
	plain := listen(t, object)
	silent := listen(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for endpoint, says := range map[string]string{
		"http://127.0.0.1:1":     "check the endpoint",
		"http://nowhere.invalid": "check the endpoint",
		silent.URL:               "check the endpoint",
		plain.host():             "a server without TLS is http://host:port",
	} {
		err := stat(t, openClient(t, s3path.WithEndpoint(endpoint), keys(), s3path.WithMaxAttempts(1)))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// The checksum modes are named for every way to make a client. They show in the
// headers: a PUT that sends a checksum nobody asked for, a GET that asks for one.
func TestChecksumModes(t *testing.T) {
	keys := s3path.WithStaticCredentials("key", "secret", "")
	endpoint := s3path.WithEndpoint("http://s3.test")
	loaded := func(t *testing.T, opts ...func(*config.LoadOptions) error) aws.Config {
		cfg, err := config.LoadDefaultConfig(t.Context(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	for _, row := range []struct {
		name          string
		env           map[string]string
		file          string
		opts          func(t *testing.T) []s3path.ClientOption
		sends, checks bool
	}{
		{"AWS", nil, "", func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{keys} }, true, true},
		{"AWS, anonymous", nil, "", func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{s3path.WithAnonymous()} }, true, true},
		{"AWS, nothing configured", nil, "", func(*testing.T) []s3path.ClientOption { return nil }, true, true},
		{"AWS, the environment says required", map[string]string{"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}, "",
			func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{keys} }, false, false},
		{"AWS, anonymous, the environment says required", map[string]string{"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}, "",
			func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{s3path.WithAnonymous()} }, false, false},
		{"endpoint", nil, "", func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{keys, endpoint} }, false, false},
		{"endpoint, anonymous", nil, "", func(*testing.T) []s3path.ClientOption {
			return []s3path.ClientOption{s3path.WithAnonymous(), endpoint}
		}, false, false},
		{"AWS_ENDPOINT_URL", map[string]string{"AWS_ENDPOINT_URL": "http://s3.test"}, "", func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{keys} }, false, false},
		{"endpoint, the environment says supported", map[string]string{"AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_supported"}, "",
			func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{keys, endpoint} }, true, true},
		{"endpoint, anonymous, the environment says supported", map[string]string{"AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_SUPPORTED"}, "",
			func(*testing.T) []s3path.ClientOption {
				return []s3path.ClientOption{s3path.WithAnonymous(), endpoint}
			}, true, false},
		{"endpoint, the file says supported", nil, "[default]\nrequest_checksum_calculation = when_supported\n",
			func(*testing.T) []s3path.ClientOption { return []s3path.ClientOption{keys, endpoint} }, true, false},
		{"AWS, own configuration made by hand", nil, "", func(*testing.T) []s3path.ClientOption {
			return []s3path.ClientOption{s3path.WithAWSConfig(aws.Config{})}
		}, true, true},
		{"AWS, own configuration says required", nil, "", func(*testing.T) []s3path.ClientOption {
			return []s3path.ClientOption{s3path.WithAWSConfig(aws.Config{RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired})}
		}, false, true},
		{"endpoint, own configuration made by hand", nil, "", func(*testing.T) []s3path.ClientOption {
			return []s3path.ClientOption{s3path.WithAWSConfig(aws.Config{}), endpoint}
		}, false, false},
		{"endpoint, own configuration says supported", nil, "", func(*testing.T) []s3path.ClientOption {
			return []s3path.ClientOption{s3path.WithAWSConfig(aws.Config{
				RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
				ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
			}), endpoint}
		}, true, true},
		{"endpoint, own configuration loaded", nil, "", func(t *testing.T) []s3path.ClientOption {
			return []s3path.ClientOption{s3path.WithAWSConfig(loaded(t)), endpoint}
		}, false, false},
		{"endpoint, own configuration loaded with an option that says supported", nil, "", func(t *testing.T) []s3path.ClientOption {
			return []s3path.ClientOption{s3path.WithAWSConfig(loaded(t, config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenSupported))), endpoint}
		}, true, false},
		{"endpoint, own configuration loaded, changed for S3", nil, "", func(t *testing.T) []s3path.ClientOption {
			cfg := loaded(t)
			cfg.ServiceOptions = append(cfg.ServiceOptions, func(_ string, o any) {
				if o, ok := o.(*s3.Options); ok {
					o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
				}
			})
			return []s3path.ClientOption{s3path.WithAWSConfig(cfg)}
		}, false, true},
		{"own SDK client", nil, "", func(*testing.T) []s3path.ClientOption { return nil }, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			bareEnvironment(t)
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			configFile(t, row.file)
			w := &wire{answer: object}
			opts := append(row.opts(t), s3path.WithHTTPClient(w.client()))
			if row.name == "own SDK client" {
				opts = []s3path.ClientOption{s3path.WithS3Client(s3.New(s3.Options{
					Region: "us-east-1", HTTPClient: w.client(),
					RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
				}))}
			}
			p := openClient(t, opts...).Object("bucket", "key")
			if err := p.WriteText(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			if sends := sendsChecksum(w.last(t).Header); sends != row.sends {
				t.Errorf("the PUT sends a checksum: %v, want %v", sends, row.sends)
			}
			if _, err := p.ReadBytes(t.Context()); err != nil {
				t.Fatal(err)
			}
			if checks := w.last(t).Header.Get("X-Amz-Checksum-Mode") != ""; checks != row.checks {
				t.Errorf("the GET asks for a checksum: %v, want %v", checks, row.checks)
			}
			o := p.Client().S3().Options()
			if o.RequestChecksumCalculation == 0 || o.ResponseChecksumValidation == 0 {
				t.Error("a mode was left unset")
			}
		})
	}
}

// sendsChecksum reports whether a request carries a checksum, in a header or
// behind its body.
func sendsChecksum(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Trailer" || name == "X-Amz-Sdk-Checksum-Algorithm" {
			return true
		}
	}
	return false
}

// The mode reaches the parts of an upload, too.
func TestChecksumModesOfParts(t *testing.T) {
	data := make([]byte, 6<<20)
	for _, mode := range []string{"when_required", "when_supported"} {
		t.Run(mode, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", mode)
			matrix.Run(t, func(t *testing.T, s *s3matrix.Server) {
				at := newPlace(t, s, s3path.WithPartSize(5<<20))
				if err := at.object("big").WriteBytes(t.Context(), data); err != nil {
					t.Fatal(err)
				}
				parts := at.Proxy.Requests().Operation("UploadPart")
				if len(parts) != 2 {
					t.Fatalf("%d parts", len(parts))
				}
				for _, r := range parts {
					if sendsChecksum(r.Header) != (mode == "when_supported") {
						t.Errorf("%s: a part's headers are %v", mode, r.Header)
					}
				}
			})
		})
	}
}

// A server that takes no checksums gives an error that says what to do.
func TestChecksumRefused(t *testing.T) {
	for _, row := range []struct {
		status        int
		code, message string
	}{
		{400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."},
		{501, "NotImplemented", "A header you provided implies functionality that is not implemented: x-amz-sdk-checksum-algorithm"},
		{501, "NotImplemented", "Checksums are not implemented"},
		{400, "InvalidArgument", "Unsupported header 'x-amz-checksum-crc32' received for this API call."},
		{501, "NotImplemented", "Transferring payloads in multiple chunks using aws-chunked is not supported. Trailer"},
	} {
		l := listen(t, refuseAll(row.status, row.code, row.message))
		c := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", ""))
		err := c.Object("bucket", "key").WriteText(t.Context(), "x")
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "AWS_REQUEST_CHECKSUM_CALCULATION=when_required") {
			t.Errorf("%s: %v", row.message, err)
		}
	}
}
