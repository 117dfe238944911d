package s3path

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

const (
	scheme         = "s3://"
	maxKeyBytes    = 1024 // S3's limit, in bytes of UTF-8
	maxBucketBytes = 255

	wantForm = "want s3://bucket/key"
	wantARN  = "want an access point, s3://arn:aws:s3:REGION:123456789012:accesspoint/NAME/key"
)

// S3Path is the path of an object, of a directory of objects or of a bucket. It
// is a comparable value without state: == means the same client, bucket, key and
// version, it can be a map key, and copies are free. None of the methods that
// only compute a path asks the network or the environment anything.
//
// The key is the object's key byte for byte, never decoded or cleaned, so that
// "a//b", "a/./b" and "dir/" are keys of their own. A path with a key that does
// not end in "/" may be a file, a directory or both.
//
// Paths come from [Parse], [Client.Parse] and [Client.Object]. The methods that
// only compute return zero values for the zero S3Path, the others
// cloudpath.ErrInvalidPath. As text and in JSON a path is its URI.
type S3Path struct {
	client  *Client
	bucket  string
	key     string
	version string
}

// Parse returns the path that uri names, with the default client. It never reads
// the environment and asks nothing of the network. See [Client.Parse].
func Parse(uri string) (S3Path, error) {
	return DefaultClient().Parse(uri)
}

// MustParse is Parse for URIs known to be good, such as those of package
// variables. It panics where Parse returns an error.
func MustParse(uri string) S3Path {
	return DefaultClient().MustParse(uri)
}

// Parse returns the path that uri names: "s3://bucket" or "s3://bucket/key".
// What follows the bucket's slash is the key as it is: "%20", "?" and "#" mean
// nothing in it, a trailing slash and empty components are kept. In the place of
// the bucket the ARN of an access point, regional or multi-region, is allowed:
// "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/name/key".
//
// Anything else is cloudpath.ErrInvalidPath. A key longer than the 1024 bytes
// that S3 takes is reported by the first operation on the path.
func (c *Client) Parse(uri string) (S3Path, error) {
	return parse(c, "parse", uri)
}

// MustParse is Parse for URIs known to be good. It panics where Parse returns an
// error.
func (c *Client) MustParse(uri string) S3Path {
	p, err := c.Parse(uri)
	if err != nil {
		panic(err)
	}
	return p
}

// Object returns the path of exactly this key in this bucket; neither is parsed
// or cleaned. The key "" is the bucket itself. A bucket or key that S3 cannot
// have is reported as cloudpath.ErrInvalidPath by the first operation on the
// path, before any request.
func (c *Client) Object(bucket, key string) S3Path {
	return S3Path{client: c, bucket: bucket, key: key}
}

// Client returns the client whose requests this path's operations are, nil for
// the zero path.
func (p S3Path) Client() *Client {
	if p.isZero() {
		return nil
	}
	return p.client.resolve()
}

// Bucket returns the bucket's name or the ARN of an access point.
func (p S3Path) Bucket() string { return p.bucket }

// Key returns the object's key, byte for byte, "" for a bucket.
func (p S3Path) Key() string { return p.key }

// Version returns the version this path is pinned to, "" where it is not.
func (p S3Path) Version() string { return p.version }

// String returns "s3://bucket/key", and "s3://bucket" for a bucket. It never
// names the version; see [S3Path.Version].
func (p S3Path) String() string {
	switch {
	case p.key != "":
		return scheme + p.bucket + "/" + p.key
	case p.isZero():
		return ""
	}
	return scheme + p.bucket
}

// Name returns the last component of the key, with or without a trailing slash:
// "b" of "s3://bucket/a/b" and of "s3://bucket/a/b/". It is empty where that
// component is, as in "s3://bucket/a//". The name of a bucket is the bucket.
func (p S3Path) Name() string {
	if p.key == "" {
		return p.bucket
	}
	return tree.Name(p.key)
}

// Stem returns the Name without its Suffix.
func (p S3Path) Stem() string { return tree.Stem(p.Name()) }

// Suffix returns the last extension of the Name with its dot, ".gz" of
// "d.tar.gz". The leading dot of a hidden file begins none, and a name that ends
// in a dot has none.
func (p S3Path) Suffix() string { return tree.Suffix(p.Name()) }

// Suffixes returns all extensions of the Name, ".tar" and ".gz" of "d.tar.gz",
// and nil where the Suffix is empty.
func (p S3Path) Suffixes() []string { return tree.Suffixes(p.Name()) }

// Parts returns the bucket, then the names of the key's components. It is nil
// for the zero path.
func (p S3Path) Parts() []string {
	if p.isZero() {
		return nil
	}
	return append([]string{p.bucket}, tree.Parts(p.key)...)
}

// Parent returns the directory this path is in, without a trailing slash unless
// that directory's own name is empty ("s3://b/a//" for "s3://b/a//b"). The
// parent of a bucket is itself.
func (p S3Path) Parent() S3Path { return p.object(tree.ParentKey(p.key)) }

// Parents returns the Parent, its Parent and so on, the bucket last. It is nil
// for a bucket.
func (p S3Path) Parents() []S3Path {
	var parents []S3Path
	for p.key != "" {
		p = p.Parent()
		parents = append(parents, p)
	}
	return parents
}

// IsBucket reports whether this is the path of a bucket: one without a key.
func (p S3Path) IsBucket() bool { return p.bucket != "" && p.key == "" }

// Join appends names that people or programs make up, each behind one "/".
// Inside the elements "." and one leading "/" are dropped, ".." goes up to the
// Parent and never out of the bucket, empty components and a trailing "/" are
// kept. The path's own key is never cleaned, and joining nothing is the path.
//
// Names that S3 gave, those of listings, belong to [S3Path.Child]: to Join "/k"
// is "k".
func (p S3Path) Join(elem ...string) S3Path { return p.unlessSame(tree.Join(p.key, elem...)) }

// Child appends rel byte for byte behind the path's "/"; nothing in it is
// resolved. It is the opposite of RelativeTo: base.Child(rel) is the path that
// rel was computed from. Child("") is the path.
func (p S3Path) Child(rel string) S3Path { return p.unlessSame(tree.Child(p.key, rel)) }

// AsDir returns the path spelled as a directory, with a trailing slash. An
// operation that would otherwise prefer the file of this name then means the
// directory. A bucket is one already.
func (p S3Path) AsDir() S3Path { return p.unlessSame(tree.DirPrefix(p.key)) }

// Clean resolves every ".", "..", empty component and trailing slash lexically,
// never leaving the bucket. The result is usually another object: keys are not
// file names, and S3 cleans nothing.
func (p S3Path) Clean() S3Path { return p.unlessSame(tree.Clean(p.key)) }

// WithName returns the path with its last component replaced; a trailing slash
// stays. An empty name, a name with "/" and the path of a bucket are
// cloudpath.ErrInvalidPath.
func (p S3Path) WithName(name string) (S3Path, error) {
	return p.renamed("withname", tree.WithName, name)
}

// WithStem returns the path with its Stem replaced: stem "new" makes "old.file"
// "new.file". Errors are those of WithName.
func (p S3Path) WithStem(stem string) (S3Path, error) {
	return p.renamed("withstem", tree.WithStem, stem)
}

// WithSuffix returns the path with its Suffix replaced, or added where there is
// none: ".png" makes "d.file" "d.png", and "" makes "f.tar.gz" "f.tar". A suffix
// without its dot is cloudpath.ErrInvalidPath, as are the errors of WithName.
func (p S3Path) WithSuffix(suffix string) (S3Path, error) {
	return p.renamed("withsuffix", tree.WithSuffix, suffix)
}

func (p S3Path) renamed(op string, rename func(key, with string) (string, error), with string) (S3Path, error) {
	key, err := rename(p.key, with)
	if err == nil && !utf8.ValidString(with) {
		err = errors.New("it is not valid UTF-8")
	}
	if err != nil {
		return S3Path{}, p.invalid(op, fmt.Sprintf("%q cannot become a part of it: %v", with, err))
	}
	return p.object(key), nil
}

// WithClient returns the same object, at the same version, as c sees it.
func (p S3Path) WithClient(c *Client) S3Path {
	if p.isZero() {
		return S3Path{}
	}
	p.client = c
	return p
}

// AtVersion returns the path pinned to one version of the object: what it reads
// is that version. The empty id takes the pin off. Paths derived from a pinned
// one (Parent, Join, WithName and so on) are not pinned.
func (p S3Path) AtVersion(id string) S3Path {
	if p.isZero() {
		return S3Path{}
	}
	p.version = id
	return p
}

// RelativeTo returns the rest of the key behind base's "/", byte for byte: the
// whole key where base is the bucket, "" where base is the path itself.
// base.Child of the result is this path again.
//
// A base in another bucket or with another client, or one that this path is not
// below, is cloudpath.ErrInvalidPath. So is the base "dir" for the path "dir/",
// to which nothing leads; base.AsDir() has it.
func (p S3Path) RelativeTo(base S3Path) (string, error) {
	reason := "is not below"
	switch {
	case p.bucket != base.bucket:
		reason = "is in another bucket than"
	case p.client != base.client:
		reason = "has another client than"
	default:
		rel, ok := tree.Rel(base.key, p.key)
		if ok {
			return rel, nil
		}
	}
	return "", p.invalid("relativeto", fmt.Sprintf("it %s %q", reason, base.shown()))
}

// IsRelativeTo reports whether RelativeTo has an answer: whether base is this
// path or a directory above it, in the same bucket with the same client.
func (p S3Path) IsRelativeTo(base S3Path) bool {
	if p.bucket != base.bucket || p.client != base.client {
		return false
	}
	_, ok := tree.Rel(base.key, p.key)
	return ok
}

// Match reports whether pattern matches the whole key, in the pattern language
// of [cloudpath.Match]. A key that ends in "/" is a directory. A malformed
// pattern is cloudpath.ErrBadPattern.
func (p S3Path) Match(pattern string) (bool, error) {
	matched, err := cloudpath.Match(pattern, p.key)
	if err != nil {
		return false, err
	}
	return matched && !p.isZero(), nil
}

// Compare orders paths by bucket, then by the bytes of the key, which is the
// order in which S3 lists, then by version. It returns -1, 0 or +1 as in
// [cmp.Compare]. Clients have no order: paths that differ only in their client
// compare as 0 and are not ==.
func (p S3Path) Compare(q S3Path) int {
	return cmp.Or(
		strings.Compare(p.bucket, q.bucket),
		strings.Compare(p.key, q.key),
		strings.Compare(p.version, q.version),
	)
}

// MarshalText returns the URI, and nothing for the zero path. A path that would
// not come back is cloudpath.ErrInvalidPath: one with a version, which a URI
// cannot hold, or with a bucket or key that Parse would not take.
func (p S3Path) MarshalText() ([]byte, error) {
	if p.isZero() {
		return nil, nil
	}
	if p.version != "" {
		return nil, p.invalid("marshal", "its version would be lost; marshal AtVersion(\"\") and Version() separately")
	}
	if reason := fault(p.bucket, p.key); reason != "" {
		return nil, p.invalid("marshal", "it "+reason)
	}
	return []byte(p.String()), nil
}

// UnmarshalText is Parse into an existing path, which keeps its client if it has
// one and gets the default client otherwise. Empty text gives the zero path. On
// an error the path stays as it was.
func (p *S3Path) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = S3Path{}
		return nil
	}
	client := p.client
	if client == nil {
		client = DefaultClient()
	}
	parsed, err := parse(client, "unmarshal", string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

func (p S3Path) isZero() bool { return p == S3Path{} }

// object is another key in the same bucket. A version belongs to one key, so it
// is not taken along.
func (p S3Path) object(key string) S3Path {
	return S3Path{client: p.client, bucket: p.bucket, key: key}
}

// unlessSame is object, but a path that came out unchanged is the path itself.
func (p S3Path) unlessSame(key string) S3Path {
	if key == p.key || p.isZero() {
		return p
	}
	return p.object(key)
}

// check says whether a request can be made for this path at all. Every operation
// asks it first.
func (p S3Path) check(op string) error {
	switch reason := fault(p.bucket, p.key); {
	case p.isZero():
		return p.invalid(op, "it is the zero S3Path; get one from Parse or Client.Object")
	case reason != "":
		return p.invalid(op, "it "+reason)
	case len(p.key) > maxKeyBytes:
		return p.invalid(op, fmt.Sprintf("its key has %d bytes, S3 takes no more than %d", len(p.key), maxKeyBytes))
	}
	return nil
}

// invalid is the error of an operation on this path.
func (p S3Path) invalid(op, reason string) error {
	return &fs.PathError{Op: op, Path: p.shown(), Err: fmt.Errorf("%w: %s", cloudpath.ErrInvalidPath, reason)}
}

// shown is the path as an error may name it.
func (p S3Path) shown() string {
	if bucketFault(p.bucket) == "" {
		return p.String()
	}
	return redact(p.String())
}
