package s3path

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ---- Kinds of option. One value may serve several kinds of call.

// ClientOption configures NewClient.
type ClientOption interface{ clientOption(*settings) error }

// ReadOption is for calls that read an object.
type ReadOption interface{ readOption(*call) error }

// WriteOption is for calls that write an object.
type WriteOption interface{ writeOption(*call) error }

// CopyOption is for Copy, CopyTree and Rename.
type CopyOption interface{ copyOption(*call) error }

// ListOption is for listings.
type ListOption interface{ listOption(*call) error }

// RemoveOption is for Remove, RemoveAll and RemoveMany.
type RemoveOption interface{ removeOption(*call) error }

// SyncOption is for SyncFrom and SyncTo.
type SyncOption interface{ syncOption(*call) error }

// TransferOption is for anything that moves many bytes or many objects.
type TransferOption interface {
	ReadOption
	WriteOption
	CopyOption
	RemoveOption
	SyncOption
}

// ConditionOption makes a call depend on the object being the one expected.
type ConditionOption interface {
	ReadOption
	WriteOption
	RemoveOption
}

// PropertyOption says what an object is stored with.
type PropertyOption interface {
	WriteOption
	CopyOption
	SyncOption
}

// EncryptionOption is a key that the server needs to store or to return an object.
type EncryptionOption interface {
	ReadOption
	WriteOption
	CopyOption
}

// ConcurrencyOption bounds what happens at once, in a client or in one call.
type ConcurrencyOption interface {
	ClientOption
	TransferOption
}

// ResultOption hands out what a call learned.
type ResultOption interface {
	ReadOption
	WriteOption
	CopyOption
}

// CreateOption is for calls that make an object.
type CreateOption interface {
	WriteOption
	CopyOption
}

// FilterOption chooses entries: of a listing what is yielded, of a sync what is moved.
type FilterOption interface {
	ListOption
	SyncOption
}

// option is behind every With…; the interface that With… returns says where
// the compiler lets it go.
type option struct {
	name   optionSet
	client func(*settings) error
	call   func(*call) error
}

func (o option) clientOption(s *settings) error { return s.apply(o) }
func (o option) readOption(c *call) error       { return c.apply(o) }
func (o option) writeOption(c *call) error      { return c.apply(o) }
func (o option) copyOption(c *call) error       { return c.apply(o) }
func (o option) listOption(c *call) error       { return c.apply(o) }
func (o option) removeOption(c *call) error     { return c.apply(o) }
func (o option) syncOption(c *call) error       { return c.apply(o) }

// optionSet is a set of options; a single one is its name.
type optionSet uint64

const (
	optConcurrency optionSet = 1 << iota
	optInfo
	optIfMatch
	optNoOverwrite
	optReadAhead
	optSSEC
	optSourceSSEC
	optSSE
	optSSEKMS
	optContentType
	optContentEncoding
	optContentDisposition
	optCacheControl
	optMetadata
	optTags
	optStorageClass
	optACL
	optInclude
	optExclude
	optExtensions
	optMinSize
	optMaxSize
	optModifiedAfter
	optModifiedBefore
	optFilter
	optLimit
	optPageSize
	optStartAfter
	optRawPrefix
	optDirs
	optMarkers
	optOwner
	optUnordered
	optMissingOK
	optWholeBucket
	optDelete
	optDryRun
	optAnonymous
	optProfile
	optStaticCredentials
	optAWSConfig
	optS3Client
	optEndpoint
	optRegion
	optAddressing
	optHTTPClient
	optContentTypeFunc
	optPartSize
	optMaxAttempts
	optStallTimeout
	optRequestPayer
	optBucketOwner
	optDefaults
)

var optionNames = map[optionSet]string{
	optConcurrency: "WithConcurrency", optInfo: "WithInfo", optIfMatch: "WithIfMatch", optNoOverwrite: "WithNoOverwrite",
	optReadAhead: "WithReadAhead", optSSEC: "WithSSECustomerKey", optSourceSSEC: "WithSourceSSECustomerKey",
	optSSE: "WithSSE", optSSEKMS: "WithSSEKMS", optContentType: "WithContentType", optContentEncoding: "WithContentEncoding",
	optContentDisposition: "WithContentDisposition", optCacheControl: "WithCacheControl", optMetadata: "WithMetadata",
	optTags: "WithTags", optStorageClass: "WithStorageClass", optACL: "WithACL", optInclude: "WithInclude",
	optExclude: "WithExclude", optExtensions: "WithExtensions", optMinSize: "WithMinSize", optMaxSize: "WithMaxSize",
	optModifiedAfter: "WithModifiedAfter", optModifiedBefore: "WithModifiedBefore", optFilter: "WithFilter",
	optLimit: "WithLimit", optPageSize: "WithPageSize", optStartAfter: "WithStartAfter", optRawPrefix: "WithRawPrefix",
	optDirs: "WithDirs", optMarkers: "WithMarkers", optOwner: "WithOwner", optUnordered: "WithUnordered",
	optMissingOK: "WithMissingOK", optWholeBucket: "WithWholeBucket", optDelete: "WithDelete", optDryRun: "WithDryRun", optAnonymous: "WithAnonymous",
	optProfile: "WithProfile", optStaticCredentials: "WithStaticCredentials", optAWSConfig: "WithAWSConfig",
	optS3Client: "WithS3Client", optEndpoint: "WithEndpoint", optRegion: "WithRegion", optAddressing: "WithAddressing",
	optHTTPClient: "WithHTTPClient", optContentTypeFunc: "WithContentTypeFunc", optPartSize: "WithPartSize",
	optMaxAttempts: "WithMaxAttempts", optStallTimeout: "WithStallTimeout", optRequestPayer: "WithRequestPayer",
	optBucketOwner: "WithExpectedBucketOwner", optDefaults: "With…Defaults",
}

func (s optionSet) String() string {
	var names []string
	for bit := optionSet(1); bit != 0 && bit <= s; bit <<= 1 {
		if s&bit != 0 {
			names = append(names, optionNames[bit])
		}
	}
	return strings.Join(names, ", ")
}

// What the verbs take.
const (
	encryptionOptions = optSSE | optSSEKMS
	propertyOptions   = encryptionOptions | optContentType | optContentEncoding | optContentDisposition |
		optCacheControl | optMetadata | optTags | optStorageClass | optACL
	filterOptions = optInclude | optExclude | optExtensions | optMinSize | optMaxSize |
		optModifiedAfter | optModifiedBefore | optFilter
	scanOptions = filterOptions | optLimit | optPageSize | optStartAfter | optOwner | optUnordered
)

// ---- Client options

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
}

const (
	defaultPartSize    = 8 << 20
	minPartSize        = 5 << 20
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
			return fmt.Errorf("%v contradict each other: give one of them", pair)
		}
	}
	return nil
}

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

// WithAnonymous sends every request unsigned and never looks for credentials.
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
// configuration that the program has loaded itself.
func WithAWSConfig(cfg aws.Config) ClientOption {
	return clientOption(optAWSConfig, func(s *settings) error { s.awsConfig = cfg.Copy(); return nil })
}

// WithS3Client uses a finished SDK client as it is. Options about credentials,
// endpoint, region, addressing, HTTP and retries then belong to that client
// and are refused here.
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

// ErrInvalidEndpoint is an endpoint that no request could be sent to.
var ErrInvalidEndpoint = errors.New("invalid endpoint")

// parseEndpoint gives scheme://host[:port]. It never repeats what stands
// before an "@", which may be a password.
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
		return "", fmt.Errorf("%w %q: not a URL; the form is http://host:port or host:port", ErrInvalidEndpoint, text)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%w %q: the scheme is http or https", ErrInvalidEndpoint, text)
	case u.Hostname() == "":
		return "", fmt.Errorf("%w %q: it names no host", ErrInvalidEndpoint, text)
	case u.Path != "" && u.Path != "/":
		return "", fmt.Errorf("%w %q: it has a path; the bucket belongs into the s3:// path", ErrInvalidEndpoint, text)
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%w %q: it has a query or a fragment", ErrInvalidEndpoint, text)
	}
	return u.Scheme + "://" + u.Host, nil
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

// WithHTTPClient sends requests through this client's transport, jar and
// timeout. Redirects are not followed whatever it says.
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

// WithMaxAttempts is how often one request is tried in all: 3 unless told.
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

// WithReadDefaults are options for every read, before the call's own. A
// default that a verb has no use for is left out there.
func WithReadDefaults(opts ...ReadOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.readDefaults = append(s.readDefaults, opts...)
		return checkDefaults(opts, ReadOption.readOption)
	})
}

// WithWriteDefaults are options for every write, before the call's own. A
// default that a verb has no use for is left out there.
func WithWriteDefaults(opts ...WriteOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.writeDefaults = append(s.writeDefaults, opts...)
		return checkDefaults(opts, WriteOption.writeOption)
	})
}

// WithCopyDefaults are options for every copy and rename, before the call's
// own. A default that a verb has no use for is left out there.
func WithCopyDefaults(opts ...CopyOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.copyDefaults = append(s.copyDefaults, opts...)
		return checkDefaults(opts, CopyOption.copyOption)
	})
}

// WithListDefaults are options for every listing, before the call's own. A
// default that a verb has no use for is left out there.
func WithListDefaults(opts ...ListOption) ClientOption {
	return clientOption(optDefaults, func(s *settings) error {
		s.listDefaults = append(s.listDefaults, opts...)
		return checkDefaults(opts, ListOption.listOption)
	})
}

func checkDefaults[O any](opts []O, give func(O, *call) error) error {
	_, err := collect(nil, opts, give, ^optionSet(0))
	return err
}

// ---- Call options

// call is what the options of one call said.
type call struct {
	set         optionSet
	allowed     optionSet
	defaults    bool // options that do not apply are left out, not refused
	concurrency int
	info        *Info
	ifMatch     string
	readAhead   int64
	ssec        customerKey
	sourceSSEC  customerKey
	kmsKey      string

	contentType, contentEncoding, contentDisposition, cacheControl string
	metadata, tags                                                 map[string]string
	storageClass, acl                                              string

	filter     filter
	limit      int
	pageSize   int
	startAfter string
	rawPrefix  string
}

// parts is how many parts of one object move at once.
func (c *call) parts(k *core) int {
	if c.has(optConcurrency) || k.opts.set&optConcurrency != 0 {
		return c.concurrency
	}
	return defaultParts
}

func (c *call) has(o optionSet) bool { return c.set&o != 0 }

func (c *call) apply(o option) error {
	if c.allowed&o.name == 0 {
		if c.defaults {
			return nil
		}
		return fmt.Errorf("%w here: %v", errors.ErrUnsupported, o.name)
	}
	c.set |= o.name
	if o.call == nil {
		return nil
	}
	return o.call(c)
}

// collect applies a client's defaults and a call's own options. An option that
// the verb cannot use is an error that names it.
func collect[O any](defaults, opts []O, give func(O, *call) error, allowed optionSet) (*call, error) {
	c := &call{allowed: allowed, defaults: true}
	for i, list := range [][]O{defaults, opts} {
		c.defaults = i == 0
		for _, o := range list {
			if any(o) == nil {
				return nil, errors.New("a nil option")
			}
			if err := give(o, c); err != nil {
				return nil, err
			}
		}
	}
	if c.has(optSSE) && c.has(optSSEKMS) || c.has(optSSEC) && c.has(encryptionOptions) {
		return nil, fmt.Errorf("%v contradict each other: give one of them", c.set&(optSSE|optSSEKMS|optSSEC))
	}
	if c.has(optNoOverwrite) && c.has(optIfMatch) {
		return nil, fmt.Errorf("%v contradict each other: give one of them", optNoOverwrite|optIfMatch)
	}
	return c, nil
}

func callOption(name optionSet, set func(*call) error) option {
	return option{name: name, call: set}
}

// WithConcurrency bounds what happens at once: in a client the requests under
// way, in a call the objects or parts it works on.
func WithConcurrency(n int) ConcurrencyOption {
	check := func() error {
		if n < 1 {
			return fmt.Errorf("WithConcurrency: %d; at least 1 is needed", n)
		}
		return nil
	}
	return option{
		name:   optConcurrency,
		client: func(s *settings) error { s.concurrency = n; return check() },
		call:   func(c *call) error { c.concurrency = n; return check() },
	}
}

// WithInfo stores what is known of the object as read or as written in dst,
// before the call returns.
func WithInfo(dst *Info) ResultOption {
	return callOption(optInfo, func(c *call) error {
		if dst == nil {
			return errors.New("WithInfo: nil")
		}
		c.info = dst
		return nil
	})
}

// WithIfMatch makes the call go through only while the object has this ETag
// (quotes may be left out), else it fails with cloudpath.ErrPreconditionFailed.
// Some servers are known to ignore the condition on deletes (MinIO); Remove
// therefore compares the ETag itself as well.
func WithIfMatch(etag string) ConditionOption {
	return callOption(optIfMatch, func(c *call) error {
		if etag = trimETag(etag); etag == "" {
			return errors.New("WithIfMatch: the ETag is empty, which would match anything")
		}
		c.ifMatch = etag
		return nil
	})
}

// WithNoOverwrite fails with fs.ErrExist when the target exists. Of two that
// race exactly one wins. On a copy it costs up to five requests, because no
// server honours the condition on a plain copy.
func WithNoOverwrite() CreateOption { return callOption(optNoOverwrite, nil) }

// WithReadAhead makes random access ask for at least this many bytes at once
// and serve what follows from them: for Open only.
func WithReadAhead(bytes int64) ReadOption {
	return callOption(optReadAhead, func(c *call) error {
		if bytes < 0 {
			return fmt.Errorf("WithReadAhead: %d is negative", bytes)
		}
		c.readAhead = bytes
		return nil
	})
}

// customerKey is an SSE-C key in the three forms that the protocol wants.
type customerKey struct{ key, md5 string }

func (k customerKey) headers() (algorithm, key, sum *string) {
	if k.key == "" {
		return nil, nil, nil
	}
	return aws.String("AES256"), aws.String(k.key), aws.String(k.md5)
}

func (k *customerKey) from(name string, key []byte) error {
	if len(key) != 32 {
		return fmt.Errorf("%s: the key has %d bytes, it needs 32", name, len(key))
	}
	sum := md5.Sum(key)
	*k = customerKey{base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(sum[:])}
	return nil
}

// WithSSECustomerKey encrypts and decrypts with a key of the caller's (SSE-C):
// 32 raw bytes. The server keeps no copy of it: every later read needs it. Of a
// copy it is the target's key. Refused over plain http, before any request.
func WithSSECustomerKey(key []byte) EncryptionOption {
	return callOption(optSSEC, func(c *call) error { return c.ssec.from("WithSSECustomerKey", key) })
}

// WithSourceSSECustomerKey is the key that a copy's source is encrypted with.
func WithSourceSSECustomerKey(key []byte) CopyOption {
	return callOption(optSourceSSEC, func(c *call) error { return c.sourceSSEC.from("WithSourceSSECustomerKey", key) })
}

// WithSSE encrypts with a key that S3 keeps (SSE-S3).
func WithSSE() PropertyOption { return callOption(optSSE, nil) }

// WithSSEKMS encrypts with a key of the key management service: its id, ARN or
// alias; "" is the account's default key.
func WithSSEKMS(keyID string) PropertyOption {
	return callOption(optSSEKMS, func(c *call) error { c.kmsKey = keyID; return nil })
}

// WithContentType is the object's media type. Without it the client's function,
// a table of suffixes and the first bytes are asked, in this order.
func WithContentType(contentType string) PropertyOption {
	return callOption(optContentType, func(c *call) error { c.contentType = contentType; return nil })
}

// WithContentEncoding says how the bytes are encoded, such as "gzip". It
// changes no byte.
func WithContentEncoding(encoding string) PropertyOption {
	return callOption(optContentEncoding, func(c *call) error { c.contentEncoding = encoding; return nil })
}

// WithContentDisposition is what a browser does with the object, such as
// `attachment; filename="a.csv"`.
func WithContentDisposition(disposition string) PropertyOption {
	return callOption(optContentDisposition, func(c *call) error { c.contentDisposition = disposition; return nil })
}

// WithCacheControl is the Cache-Control header of the object.
func WithCacheControl(value string) PropertyOption {
	return callOption(optCacheControl, func(c *call) error { c.cacheControl = value; return nil })
}

// WithMetadata is the caller's own metadata. S3 keeps names in lower case.
func WithMetadata(metadata map[string]string) PropertyOption {
	return callOption(optMetadata, func(c *call) error { c.metadata = metadata; return nil })
}

// WithTags sets the object's tags, at most ten.
func WithTags(tags map[string]string) PropertyOption {
	return callOption(optTags, func(c *call) error { c.tags = tags; return nil })
}

// WithStorageClass is one of S3's storage classes, such as "STANDARD_IA".
func WithStorageClass(class string) PropertyOption {
	return callOption(optStorageClass, func(c *call) error { c.storageClass = class; return nil })
}

// WithACL is one of S3's canned ACLs, such as "public-read". No ACL is sent
// unless asked for: most buckets refuse them now.
func WithACL(acl string) PropertyOption {
	return callOption(optACL, func(c *call) error { c.acl = acl; return nil })
}

// WithMissingOK makes Remove send one delete of exactly this key and return nil
// whatever was there; a directory of that name is neither looked for nor reported.
func WithMissingOK() RemoveOption { return callOption(optMissingOK, nil) }

// WithWholeBucket lets RemoveAll empty a bucket.
func WithWholeBucket() RemoveOption { return callOption(optWholeBucket, nil) }

// WithDelete makes a sync remove what its source does not have.
func WithDelete() SyncOption { return callOption(optDelete, nil) }

// WithDryRun makes a sync say what it would do, and do nothing.
func WithDryRun() SyncOption { return callOption(optDryRun, nil) }
