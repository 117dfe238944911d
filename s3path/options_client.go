package s3path

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// settings is what the options of NewClient said.
type settings struct {
	set           optionSet
	profile       string
	static        aws.Credentials
	awsConfig     aws.Config
	s3Client      *s3.Client
	endpoint      string
	region        string
	addressing    Addressing
	httpClient    *http.Client
	contentType   func(name string, head []byte) (contentType, contentEncoding string)
	partSize      int64
	maxAttempts   int
	stall         time.Duration
	bucketOwner   string
	concurrency   int
	readDefaults  []ReadOption
	writeDefaults []WriteOption
	copyDefaults  []CopyOption
	listDefaults  []ListOption
	cache         cacheSettings
}

const (
	defaultPartSize    = 8 << 20
	minPartSize        = 5 << 20 // of every part but the last
	maxPartSize        = 5 << 30
	defaultConcurrency = 16
	defaultParts       = 8 // of one object at once: more connections than that no longer make it faster
	defaultStall       = 60 * time.Second
)

// conflicts are options that say two things about one matter.
var conflicts = []optionSet{
	optAnonymous | optProfile,
	optAnonymous | optStaticCredentials,
	optAnonymous | optAWSConfig,
	optProfile | optStaticCredentials,
	optProfile | optAWSConfig,
	optStaticCredentials | optAWSConfig,
	optS3Client | optAnonymous,
	optS3Client | optProfile,
	optS3Client | optStaticCredentials,
	optS3Client | optAWSConfig,
	optS3Client | optEndpoint,
	optS3Client | optRegion,
	optS3Client | optAddressing,
	optS3Client | optHTTPClient,
	optS3Client | optMaxAttempts,
	optS3Client | optStallTimeout,
	optCache | optCacheDir,
	optCache | optCacheMode,
	optCache | optCacheMaxBytes,
}

func (s *settings) apply(o option) error {
	s.set |= o.name
	return o.client(s)
}

func (s *settings) collect(opts []ClientOption) error {
	for _, o := range opts {
		if o == nil {
			return errors.New("a nil option")
		}
		if err := o.clientOption(s); err != nil {
			return err
		}
	}
	for _, pair := range conflicts {
		if s.set&pair == pair {
			return contradiction(pair)
		}
	}
	return s.checkDefaults()
}

// checkDefaults refuses defaults that no call could go by.
func (s *settings) checkDefaults() error {
	_, reads := collect(nil, s.readDefaults, ReadOption.readOption, defaultOptions)
	_, writes := collect(nil, s.writeDefaults, WriteOption.writeOption, defaultOptions)
	_, copies := collect(nil, s.copyDefaults, CopyOption.copyOption, defaultOptions)
	_, lists := collect(nil, s.listDefaults, ListOption.listOption, defaultOptions)
	for _, of := range []struct {
		option string
		err    error
	}{{"WithReadDefaults", reads}, {"WithWriteDefaults", writes}, {"WithCopyDefaults", copies}, {"WithListDefaults", lists}} {
		if of.err != nil {
			return fmt.Errorf("%s: %w", of.option, of.err)
		}
	}
	return nil
}

// defaultOptions are all but those that are about one call: its result, and the
// one object that it expects.
const defaultOptions = ^(optInfo | optIfMatch)

func (s *settings) workers() int {
	if s.concurrency > 0 {
		return s.concurrency
	}
	return defaultConcurrency
}

// requests bounds the requests under way in the whole client.
func (s *settings) requests() int {
	if s.concurrency > 0 {
		return s.concurrency
	}
	return 2 * defaultConcurrency
}

func clientOption(name optionSet, set func(*settings) error) ClientOption {
	return option{name: name, client: set}
}

// WithAnonymous sends every request unsigned and never looks for credentials:
// no configuration file is opened, no process started, no service asked. Of the
// environment only what is about the connection counts, such as endpoint and
// region.
func WithAnonymous() ClientOption {
	return clientOption(optAnonymous, func(*settings) error { return nil })
}

// WithProfile uses this profile of the shared configuration files: its
// credentials, its region and its endpoint. An unknown profile fails NewClient.
func WithProfile(name string) ClientOption {
	return clientOption(optProfile, func(s *settings) error {
		if name == "" {
			return errors.New("WithProfile: the name is empty")
		}
		s.profile = name
		return nil
	})
}

// WithStaticCredentials signs with this key; the session token may be empty.
func WithStaticCredentials(accessKeyID, secretAccessKey, sessionToken string) ClientOption {
	return clientOption(optStaticCredentials, func(s *settings) error {
		if accessKeyID == "" || secretAccessKey == "" {
			return errors.New("WithStaticCredentials: the access key id or the secret key is empty (for unsigned requests use WithAnonymous)")
		}
		s.static = aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Source: "cloudpath static"}
		return nil
	})
}

// WithAWSConfig takes credentials, region, endpoint and the rest from a
// configuration that the program has loaded itself, its HTTP client and its
// retryer included; other options come before what it says. An HTTP client that
// is neither an *http.Client nor the SDK's own decides itself about redirects,
// but what another host answers is refused.
func WithAWSConfig(cfg aws.Config) ClientOption {
	return clientOption(optAWSConfig, func(s *settings) error { s.awsConfig = cfg.Copy(); return nil })
}

// WithS3Client uses a finished SDK client as it is. Options about credentials,
// endpoint, region, addressing, HTTP and retries then belong to that client
// and are refused here. So does what this package's own client takes care of:
// time limits for silent servers, redirects, connections that are kept.
func WithS3Client(client *s3.Client) ClientOption {
	return clientOption(optS3Client, func(s *settings) error {
		if client == nil {
			return errors.New("WithS3Client: the client is nil")
		}
		s.s3Client = client
		return nil
	})
}

// WithEndpoint talks to an S3-compatible server: "http://localhost:9000";
// "host:port" alone means https. It comes before AWS_ENDPOINT_URL_S3,
// AWS_ENDPOINT_URL and the profile's endpoint. With an endpoint and nothing
// else said, addresses are path-style, the region is us-east-1, and checksums
// are sent only where an operation requires them, because many such servers
// reject the newer ones.
func WithEndpoint(url string) ClientOption {
	return clientOption(optEndpoint, func(s *settings) error {
		endpoint, err := parseEndpoint(url)
		if err != nil {
			return fmt.Errorf("WithEndpoint: %w", err)
		}
		s.endpoint = endpoint
		return nil
	})
}

// WithRegion is the region to sign for and, on AWS, to send to. Without it the
// environment and the profile are asked, and us-east-1 is where a client starts
// that was told nothing; a bucket elsewhere is found by the answer to its first
// request.
func WithRegion(region string) ClientOption {
	return clientOption(optRegion, func(s *settings) error {
		if region == "" {
			return errors.New("WithRegion: the region is empty")
		}
		s.region = region
		return nil
	})
}

// Addressing is how a bucket is named in a URL.
type Addressing int

// AddressingAuto is path-style on an endpoint of one's own and virtual-hosted
// on AWS; AddressingPath is https://host/bucket/key; AddressingVirtual is
// https://bucket.host/key.
const (
	AddressingAuto Addressing = iota
	AddressingPath
	AddressingVirtual
)

// WithAddressing says how buckets are named in URLs.
func WithAddressing(style Addressing) ClientOption {
	return clientOption(optAddressing, func(s *settings) error {
		if style < AddressingAuto || style > AddressingVirtual {
			return fmt.Errorf("WithAddressing: %d is none of the styles", style)
		}
		s.addressing = style
		return nil
	})
}

// WithHTTPClient sends the requests to S3 through this client's transport, jar
// and timeout; a nil transport is this package's own. Redirects are not followed
// whatever it says, and the client itself is left as it is. Credentials are not
// asked for through it; for that, WithAWSConfig takes a configuration with a
// client of its own.
func WithHTTPClient(client *http.Client) ClientOption {
	return clientOption(optHTTPClient, func(s *settings) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		s.httpClient = client
		return nil
	})
}

// WithContentTypeFunc asks fn for the content type (and encoding) of what is
// written: name is the object's name, head its first bytes. Two empty answers
// leave it to this package's table. nil means that nothing is ever guessed.
func WithContentTypeFunc(fn func(name string, head []byte) (contentType, contentEncoding string)) ClientOption {
	return clientOption(optContentTypeFunc, func(s *settings) error { s.contentType = fn; return nil })
}

// WithPartSize is the size in bytes of the parts that large transfers are made
// of, and the size up to which an object is written by one request: 8 MiB
// unless told, at least 5 MiB, at most 5 GiB. It grows by itself where 10,000
// parts would not do.
func WithPartSize(bytes int64) ClientOption {
	return clientOption(optPartSize, func(s *settings) error {
		if bytes < minPartSize || bytes > maxPartSize {
			return fmt.Errorf("WithPartSize: %d bytes; S3 takes parts of 5 MiB to 5 GiB", bytes)
		}
		s.partSize = bytes
		return nil
	})
}

// WithMaxAttempts is how often one request is tried in all: AWS_MAX_ATTEMPTS or
// 3 unless told. Between two attempts there is a pause that grows and is partly
// random. No request's failures take attempts from another's.
func WithMaxAttempts(n int) ClientOption {
	return clientOption(optMaxAttempts, func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithMaxAttempts: %d; at least one attempt is needed", n)
		}
		s.maxAttempts = n
		return nil
	})
}

// WithStallTimeout gives a request up on which no byte moved for d, and tries
// it again: one minute unless told, never for 0. A slow server that keeps
// sending is not stalled.
func WithStallTimeout(d time.Duration) ClientOption {
	return clientOption(optStallTimeout, func(s *settings) error {
		if d < 0 {
			return fmt.Errorf("WithStallTimeout: %v is negative", d)
		}
		s.stall = d
		return nil
	})
}

// WithRequestPayer agrees to pay for requests on requester-pays buckets.
func WithRequestPayer() ClientOption {
	return clientOption(optRequestPayer, func(*settings) error { return nil })
}

// WithExpectedBucketOwner makes every request fail whose bucket belongs to
// another account than this one.
func WithExpectedBucketOwner(accountID string) ClientOption {
	return clientOption(optBucketOwner, func(s *settings) error {
		if len(accountID) != 12 || strings.Trim(accountID, "0123456789") != "" {
			return fmt.Errorf("WithExpectedBucketOwner: %q is not a 12-digit account number", accountID)
		}
		s.bucketOwner = accountID
		return nil
	})
}

// WithReadDefaults are options for every read. The call's own come after them
// and take the place of those that they contradict. A default that a verb has no
// use for is left out there. WithInfo and WithIfMatch are about one object and
// cannot be defaults. Given several times, the options add up.
func WithReadDefaults(opts ...ReadOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.readDefaults = append(s.readDefaults, opts...)
		return nil
	})
}

// WithWriteDefaults are options for every write, as WithReadDefaults are for
// reads.
func WithWriteDefaults(opts ...WriteOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.writeDefaults = append(s.writeDefaults, opts...)
		return nil
	})
}

// WithCopyDefaults are options for every copy and rename, as WithReadDefaults
// are for reads.
func WithCopyDefaults(opts ...CopyOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.copyDefaults = append(s.copyDefaults, opts...)
		return nil
	})
}

// WithListDefaults are options for every listing, as WithReadDefaults are for
// reads.
func WithListDefaults(opts ...ListOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.listDefaults = append(s.listDefaults, opts...)
		return nil
	})
}
