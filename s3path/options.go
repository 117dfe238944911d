package s3path

import (
	"errors"
	"fmt"
	"strings"
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
	optProgress
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
	optCacheDir
	optCacheMode
	optCacheFreshness
	optCacheMaxBytes
	optCache
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
	optMissingOK: "WithMissingOK", optWholeBucket: "WithWholeBucket", optDelete: "WithDelete", optDryRun: "WithDryRun", optProgress: "WithProgress", optAnonymous: "WithAnonymous",
	optProfile: "WithProfile", optStaticCredentials: "WithStaticCredentials", optAWSConfig: "WithAWSConfig",
	optS3Client: "WithS3Client", optEndpoint: "WithEndpoint", optRegion: "WithRegion", optAddressing: "WithAddressing",
	optHTTPClient: "WithHTTPClient", optContentTypeFunc: "WithContentTypeFunc", optPartSize: "WithPartSize",
	optMaxAttempts: "WithMaxAttempts", optStallTimeout: "WithStallTimeout", optRequestPayer: "WithRequestPayer",
	optBucketOwner: "WithExpectedBucketOwner", optDefaults: "With…Defaults",
	optCacheDir: "WithCacheDir", optCacheMode: "WithCacheMode", optCacheFreshness: "WithCacheFreshness",
	optCacheMaxBytes: "WithCacheMaxBytes", optCache: "WithCache",
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

	progress func(Progress)
	gauge    *gauge // of the one object that is read or written
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

// exclusive are call options that say two things about one matter.
var exclusive = []optionSet{
	optSSE | optSSEKMS | optSSEC,
	optNoOverwrite | optIfMatch,
}

// collect applies a client's defaults and then a call's own options, which take
// the place of the defaults that they contradict. An option that the verb
// cannot use is an error that names it.
func collect[O any](defaults, opts []O, give func(O, *call) error, allowed optionSet) (*call, error) {
	c := &call{allowed: allowed, defaults: true}
	if err := applyAll(defaults, give, c); err != nil {
		return nil, err
	}
	before := c.set
	c.defaults, c.set = false, 0
	if err := applyAll(opts, give, c); err != nil {
		return nil, err
	}
	for _, group := range exclusive {
		said := c.set & group
		if said&(said-1) != 0 {
			return nil, contradiction(said)
		}
		if said != 0 {
			before &^= group
		}
	}
	c.set |= before
	if !c.has(optSSEC) {
		c.ssec = customerKey{}
	}
	return c, nil
}

func applyAll[O any](opts []O, give func(O, *call) error, c *call) error {
	for _, o := range opts {
		if any(o) == nil {
			return errors.New("a nil option")
		}
		if err := give(o, c); err != nil {
			return err
		}
	}
	return nil
}

func contradiction(options optionSet) error {
	return fmt.Errorf("%v contradict each other: give one of them", options)
}

func callOption(name optionSet, set func(*call) error) option {
	return option{name: name, call: set}
}
