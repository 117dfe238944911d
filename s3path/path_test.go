package s3path

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

const (
	mrapARN     = "arn:aws:s3::123456789012:accesspoint/my.mrap"
	regionalARN = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/ap"
)

// wantInvalid checks that err is the error of a path that cannot be, in the
// shape all errors have.
func wantInvalid(t *testing.T, err error, op string) {
	t.Helper()
	if !errors.Is(err, cloudpath.ErrInvalidPath) {
		t.Fatalf("error %v, want cloudpath.ErrInvalidPath", err)
	}
	pathError, ok := errors.AsType[*fs.PathError](err)
	if !ok || pathError.Op != op {
		t.Errorf("error %#v, want an *fs.PathError of %q", err, op)
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		uri, name, stem, suffix string
		suffixes                []string
	}{
		{"s3://b/a/d.file", "d.file", "d", ".file", []string{".file"}},
		{"s3://b/a/d.tar.gz", "d.tar.gz", "d.tar", ".gz", []string{".tar", ".gz"}},
		{"s3://b/.hidden", ".hidden", ".hidden", "", nil},
		{"s3://b/.a.b", ".a.b", ".a", ".b", []string{".b"}},
		{"s3://b/a.", "a.", "a.", "", nil},
		{"s3://b/a..b", "a..b", "a.", ".b", []string{".", ".b"}},
		{"s3://b/a/", "a", "a", "", nil},
		{"s3://b", "b", "b", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.uri, func(t *testing.T) {
			p := new(Client).MustParse(tt.uri)
			if p.Name() != tt.name || p.Stem() != tt.stem || p.Suffix() != tt.suffix {
				t.Errorf("Name %q, Stem %q, Suffix %q; want %q, %q, %q", p.Name(), p.Stem(), p.Suffix(), tt.name, tt.stem, tt.suffix)
			}
			if got := p.Suffixes(); !slices.Equal(got, tt.suffixes) {
				t.Errorf("Suffixes = %q, want %q", got, tt.suffixes)
			}
		})
	}
}

func TestParentNameAndParts(t *testing.T) {
	tests := []struct {
		key, name, parent string
		parts             []string // after the bucket
		parents           []string // keys
		asDir, clean      string
	}{
		{"", "bucket", "", nil, nil, "", ""},
		{"a", "a", "", []string{"a"}, []string{""}, "a/", "a"},
		{"a/", "a", "", []string{"a"}, []string{""}, "a/", "a"},
		{"a//", "", "a", []string{"a", ""}, []string{"a", ""}, "a//", "a"},
		{"/", "", "", []string{""}, []string{""}, "/", ""},
		{"//", "", "/", []string{"", ""}, []string{"/", ""}, "//", ""},
		{"a//b", "b", "a//", []string{"a", "", "b"}, []string{"a//", "a", ""}, "a//b/", "a/b"},
		{"/k", "k", "/", []string{"", "k"}, []string{"/", ""}, "/k/", "k"},
		{"a/./b", "b", "a/.", []string{"a", ".", "b"}, []string{"a/.", "a", ""}, "a/./b/", "a/b"},
		{"a/../c//d/./", ".", "a/../c//d", []string{"a", "..", "c", "", "d", "."}, []string{"a/../c//d", "a/../c//", "a/../c", "a/..", "a", ""}, "a/../c//d/./", "c/d"},
	}
	for _, bucket := range []string{"bucket", mrapARN} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s %q", bucket, tt.key), func(t *testing.T) {
				c := new(Client)
				p := c.Object(bucket, tt.key).AtVersion("v")
				name := tt.name
				if tt.key == "" {
					name = bucket
				}
				if p.Name() != name {
					t.Errorf("Name = %q, want %q", p.Name(), name)
				}
				if got, want := p.Parent(), c.Object(bucket, tt.parent); got != want {
					t.Errorf("Parent = %#v, want %#v", got, want)
				}
				if got, want := p.Parts(), append([]string{bucket}, tt.parts...); !slices.Equal(got, want) {
					t.Errorf("Parts = %q, want %q", got, want)
				}
				var parents []S3Path
				for _, key := range tt.parents {
					parents = append(parents, c.Object(bucket, key))
				}
				if got := p.Parents(); !slices.Equal(got, parents) {
					t.Errorf("Parents = %v, want %v", got, parents)
				}
				if got := p.AsDir(); got.Key() != tt.asDir || got.Bucket() != bucket {
					t.Errorf("AsDir = %v, want the key %q", got, tt.asDir)
				}
				if got := p.Clean(); got.Key() != tt.clean || got.Bucket() != bucket {
					t.Errorf("Clean = %v, want the key %q", got, tt.clean)
				}
			})
		}
	}
}

func TestJoin(t *testing.T) {
	tests := []struct {
		uri  string
		elem []string
		want string
	}{
		{"s3://b/a", []string{"b", "c"}, "s3://b/a/b/c"},
		{"s3://b/a/", []string{"x"}, "s3://b/a/x"},
		{"s3://b/a//", []string{"x"}, "s3://b/a//x"},
		{"s3://b/a/b/c/d", []string{"../../b"}, "s3://b/a/b/b"},
		{"s3://b/a/b", []string{"../../../../x"}, "s3://b/x"},
		{"s3://b/a", []string{"/c"}, "s3://b/a/c"},
		{"s3://b/a", []string{""}, "s3://b/a"},
		{"s3://b/a", []string{"."}, "s3://b/a"},
		{"s3://b/a", nil, "s3://b/a"},
		{"s3://b/a", []string{"c//d"}, "s3://b/a/c//d"},
		{"s3://b/a", []string{"c/"}, "s3://b/a/c/"},
		{"s3://b/a", []string{"s3://other/x"}, "s3://b/a/s3://other/x"},
		{"s3://b", []string{"s3://other/x"}, "s3://b/s3://other/x"},
		{"s3://b", []string{"../../other/x"}, "s3://b/other/x"},
		{"s3://" + mrapARN, []string{"../../x"}, "s3://" + mrapARN + "/x"},
		{"s3://a/../b", []string{"c"}, "s3://a/../b/c"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %q", tt.uri, tt.elem), func(t *testing.T) {
			c := new(Client)
			if got := c.MustParse(tt.uri).Join(tt.elem...); got != c.MustParse(tt.want) {
				t.Errorf("Join = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestChildIsByteForByte(t *testing.T) {
	tests := []struct{ uri, rel, want string }{
		{"s3://b/a", "b/c", "s3://b/a/b/c"},
		{"s3://b/a", "/k", "s3://b/a//k"},
		{"s3://b/a/", "/k", "s3://b/a//k"},
		{"s3://b", "/k", "s3://b//k"},
		{"s3://b/a", "../x/.", "s3://b/a/../x/."},
		{"s3://b/a", "d/", "s3://b/a/d/"},
		{"s3://b/a", "", "s3://b/a"},
		{"s3://b/a/", "", "s3://b/a/"},
		{"s3://b", "", "s3://b"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %q", tt.uri, tt.rel), func(t *testing.T) {
			c := new(Client)
			base := c.MustParse(tt.uri)
			child := base.Child(tt.rel)
			if child != c.MustParse(tt.want) {
				t.Errorf("Child = %v, want %v", child, tt.want)
			}
			if rel, err := child.RelativeTo(base); err != nil || rel != tt.rel {
				t.Errorf("RelativeTo = %q, %v, want %q", rel, err, tt.rel)
			}
			if !child.IsRelativeTo(base) {
				t.Error("not IsRelativeTo")
			}
		})
	}
}

func TestCleanResolvesEverything(t *testing.T) {
	c := new(Client)
	if got := c.MustParse("s3://b/a/../c//d/./").Clean(); got != c.MustParse("s3://b/c/d") {
		t.Errorf("Clean = %v", got)
	}
	if got := c.MustParse("s3://b/../../x").Clean(); got != c.MustParse("s3://b/x") {
		t.Errorf("Clean = %v", got)
	}
}

func TestWithNameStemAndSuffix(t *testing.T) {
	name, stem, suffix := S3Path.WithName, S3Path.WithStem, S3Path.WithSuffix
	tests := []struct {
		op        string
		with      func(S3Path, string) (S3Path, error)
		uri, arg  string
		want, why string
	}{
		{"withname", name, "s3://b/a/d.file", "x", "s3://b/a/x", ""},
		{"withname", name, "s3://b/a/", "x", "s3://b/x/", ""},
		{"withname", name, "s3://b/a//k", "x", "s3://b/a//x", ""},
		{"withsuffix", suffix, "s3://b/a/d.file", ".png", "s3://b/a/d.png", ""},
		{"withsuffix", suffix, "s3://b/f.tar.gz", "", "s3://b/f.tar", ""},
		{"withstem", stem, "s3://b/old.file", "new", "s3://b/new.file", ""},

		{"withname", name, "s3://b/a", "", "", "empty"},
		{"withname", name, "s3://b/a", "x/y", "", `contains "/"`},
		{"withname", name, "s3://b/a", "\xff", "", "UTF-8"},
		{"withname", name, "s3://b", "x", "", "a bucket cannot be given another name"},
		{"withname", name, "s3://b/", "x", "", "a bucket cannot be given another name"},
		{"withstem", stem, "s3://b/a", "", "", "empty"},
		{"withstem", stem, "s3://b/a", "x/y", "", `contains "/"`},
		{"withstem", stem, "s3://b", "x", "", "a bucket cannot be given another name"},
		{"withsuffix", suffix, "s3://b/a", "png", "", `"."`},
		{"withsuffix", suffix, "s3://b/a", "./png", "", `contains "/"`},
		{"withsuffix", suffix, "s3://b", ".png", "", "a bucket cannot be given another name"},
		{"withsuffix", suffix, "s3://b", "", "", "a bucket cannot be given another name"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %s %q", tt.op, tt.uri, tt.arg), func(t *testing.T) {
			c := new(Client)
			got, err := tt.with(c.MustParse(tt.uri).AtVersion("v"), tt.arg)
			if tt.why == "" {
				if err != nil || got != c.MustParse(tt.want) {
					t.Errorf("got %v, %v, want %v", got, err, tt.want)
				}
				return
			}
			wantInvalid(t, err, tt.op)
			if got != (S3Path{}) || !strings.Contains(err.Error(), tt.why) || !strings.Contains(err.Error(), c.MustParse(tt.uri).String()) {
				t.Errorf("got %v and %q, want an error naming the path and %q", got, err, tt.why)
			}
		})
	}
}

func TestRelativeTo(t *testing.T) {
	c, other := new(Client), new(Client)
	tests := []struct {
		p, base S3Path
		rel     string
		ok      bool
	}{
		{c.MustParse("s3://b/a/b//c/"), c.MustParse("s3://b/a"), "b//c/", true},
		{c.MustParse("s3://b/a/b"), c.MustParse("s3://b/a/"), "b", true},
		{c.MustParse("s3://b//k"), c.MustParse("s3://b"), "/k", true},
		{c.MustParse("s3://b/a//"), c.MustParse("s3://b/a"), "/", true},
		{c.MustParse("s3://b/a"), c.MustParse("s3://b/a"), "", true},
		{c.MustParse("s3://b"), c.MustParse("s3://b"), "", true},
		{c.MustParse("s3://b/a/b").AtVersion("v"), c.MustParse("s3://b/a").AtVersion("w"), "b", true},

		{c.MustParse("s3://b/a/b"), c.MustParse("s3://c/a"), "", false},
		{c.MustParse("s3://b/a/b"), other.MustParse("s3://b/a"), "", false},
		{c.MustParse("s3://b/a"), other.MustParse("s3://b/a"), "", false},
		{c.MustParse("s3://b/abc"), c.MustParse("s3://b/a"), "", false},
		{c.MustParse("s3://b/a"), c.MustParse("s3://b/a/b"), "", false},
		{c.MustParse("s3://b"), c.MustParse("s3://b/a"), "", false},
		{c.MustParse("s3://b/a"), c.MustParse("s3://b/a/"), "", false},
		{c.MustParse("s3://b/a/"), c.MustParse("s3://b/a"), "", false}, // Child("") is s3://b/a
		{c.MustParse("s3://b/a"), S3Path{}, "", false},
		{S3Path{}, c.MustParse("s3://b/a"), "", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s to %s %v", tt.p, tt.base, tt.ok), func(t *testing.T) {
			rel, err := tt.p.RelativeTo(tt.base)
			if rel != tt.rel || (err == nil) != tt.ok {
				t.Errorf("RelativeTo = %q, %v", rel, err)
			}
			if tt.p.IsRelativeTo(tt.base) != tt.ok {
				t.Errorf("IsRelativeTo = %v", !tt.ok)
			}
			if !tt.ok {
				wantInvalid(t, err, "relativeto")
				if !strings.Contains(err.Error(), fmt.Sprintf("%q", tt.base.String())) {
					t.Errorf("%q does not name the base %s", err, tt.base)
				}
			}
		})
	}
}

func TestMatchIsOfTheWholeKey(t *testing.T) {
	tests := []struct {
		uri, pattern string
		want         bool
	}{
		{"s3://b/a/f.txt", "*.txt", false},
		{"s3://b/a/f.txt", "a/*.txt", true},
		{"s3://b/a/f.txt", "**/*.txt", true},
		{"s3://b/f.txt", "*.txt", true},
		{"s3://b/d/", "*/", true},
		{"s3://b/d/", "*", true},
		{"s3://b/d", "*/", false},
		{"s3://b", "**", true},
		{"s3://b", "b", false},
	}
	for _, tt := range tests {
		t.Run(tt.uri+" "+tt.pattern, func(t *testing.T) {
			got, err := new(Client).MustParse(tt.uri).Match(tt.pattern)
			if err != nil || got != tt.want {
				t.Errorf("Match = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	for _, pattern := range []string{"", "[", "/a", "../x", "s3://b/*", "a**"} {
		if got, err := new(Client).MustParse("s3://b/a").Match(pattern); got || !errors.Is(err, cloudpath.ErrBadPattern) {
			t.Errorf("Match(%q) = %v, %v, want cloudpath.ErrBadPattern", pattern, got, err)
		}
	}
}

func TestCompareOrdersAsS3Lists(t *testing.T) {
	c := new(Client)
	sorted := []S3Path{
		{},
		c.MustParse("s3://B/z"),
		c.MustParse("s3://b"),
		c.MustParse("s3://b//k"),
		c.MustParse("s3://b/Z"),
		c.MustParse("s3://b/a"),
		c.MustParse("s3://b/a-b"),
		c.MustParse("s3://b/a/"),
		c.MustParse("s3://b/a/b"),
		c.MustParse("s3://b/a/b").AtVersion("1"),
		c.MustParse("s3://b/a0"),
		c.MustParse("s3://b/\uffee"), // after the next one in UTF-16, before it in bytes
		c.MustParse("s3://b/\U0001f600"),
		c.MustParse("s3://b.c/a"),
	}
	for i, p := range sorted {
		for j, q := range sorted {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := p.Compare(q); got != want {
				t.Errorf("%v Compare %v = %d, want %d", p, q, got, want)
			}
		}
	}
	if c.MustParse("s3://b/a").Compare(new(Client).MustParse("s3://b/a")) != 0 {
		t.Error("the client has an order")
	}
}

func TestEqualMeansSameClientBucketKeyAndVersion(t *testing.T) {
	c := new(Client)
	p := c.MustParse("s3://b/k")
	if p != c.Object("b", "k") || p != p.AtVersion("v").AtVersion("") || p != p.WithClient(new(Client)).WithClient(c) {
		t.Error("equal paths are not ==")
	}
	different := map[S3Path]string{
		p:                         "itself",
		p.WithClient(new(Client)): "client",
		c.MustParse("s3://c/k"):   "bucket",
		c.MustParse("s3://b/k/"):  "key",
		p.AtVersion("v"):          "version",
		p.Parent():                "parent",
		{}:                        "zero",
	}
	if len(different) != 7 || different[c.MustParse("s3://b/k")] != "itself" {
		t.Errorf("as map keys: %v", different)
	}
}

func TestDerivedPathsDropTheVersion(t *testing.T) {
	c := new(Client)
	p := c.MustParse("s3://b/a/f.txt").AtVersion("v1")
	if p.Version() != "v1" || strings.Contains(p.String(), "v1") || p.Key() != "a/f.txt" {
		t.Errorf("AtVersion made %#v, as text %q", p, p)
	}
	withName, _ := p.WithName("f.txt")
	withStem, _ := p.WithStem("f")
	withSuffix, _ := p.WithSuffix(".txt")
	for what, derived := range map[string]S3Path{
		"Parent": p.Parent(), "Parents": p.Parents()[0], "Join": p.Join("x"), "Child": p.Child("x"), "AsDir": p.AsDir(),
		"Clean": c.MustParse("s3://b//a/f.txt").AtVersion("v1").Clean(), "WithName": withName, "WithStem": withStem,
		"WithSuffix": withSuffix, "AtVersion of nothing": p.AtVersion(""),
	} {
		if derived.Version() != "" || derived.Client() != c || derived.Bucket() != "b" || derived.Key() == "" {
			t.Errorf("%s made %#v", what, derived)
		}
	}
	for what, same := range map[string]S3Path{
		"Join of nothing": p.Join(), "Join of the empty name": p.Join(""), "Child of nothing": p.Child(""),
		"Clean of the clean": p.Clean(), "WithClient": p.WithClient(new(Client)).WithClient(c),
	} {
		if same != p {
			t.Errorf("%s made %#v, want the path itself", what, same)
		}
	}
}

func TestZeroPath(t *testing.T) {
	var zero S3Path
	c := new(Client)
	if zero.Client() != nil || zero.Bucket() != "" || zero.Key() != "" || zero.Version() != "" || zero.String() != "" ||
		zero.Name() != "" || zero.Stem() != "" || zero.Suffix() != "" || zero.IsBucket() ||
		zero.Suffixes() != nil || zero.Parts() != nil || zero.Parents() != nil {
		t.Error("the zero path has something")
	}
	for what, derived := range map[string]S3Path{
		"Parent": zero.Parent(), "Join": zero.Join("a", "b"), "Child": zero.Child("a"), "AsDir": zero.AsDir(),
		"Clean": zero.Clean(), "WithClient": zero.WithClient(c), "AtVersion": zero.AtVersion("v"),
	} {
		if derived != zero {
			t.Errorf("%s of the zero path is %#v", what, derived)
		}
	}
	if p, err := zero.WithName("x"); p != zero || !errors.Is(err, cloudpath.ErrInvalidPath) {
		t.Errorf("WithName of the zero path is %v, %v", p, err)
	}
	if rel, err := zero.RelativeTo(zero); rel != "" || err != nil {
		t.Errorf("the zero path relative to itself is %q, %v", rel, err)
	}
	if matched, err := zero.Match("**"); matched || err != nil {
		t.Errorf("the zero path matches: %v, %v", matched, err)
	}
	wantInvalid(t, zero.check("stat"), "stat")
}

func TestCheckRefusesBeforeAnyRequest(t *testing.T) {
	c := new(Client)
	good := []S3Path{
		c.MustParse("s3://b"), c.MustParse("s3://b/k"), c.Object(mrapARN, "k"), c.Object(regionalARN, ""),
		c.Object("b", strings.Repeat("k", 1024)), c.Object("b", strings.Repeat("é", 512)), c.Object("b", "\x00\n"),
		c.MustParse("s3://b/k").AtVersion("v"),
	}
	for _, p := range good {
		if err := p.check("stat"); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
	bad := []struct {
		p    S3Path
		says string
	}{
		{S3Path{}, "zero S3Path"},
		{c.Object("", "k"), "no bucket"},
		{c.Object("", ""), "no bucket"},
		{c.Object("b", strings.Repeat("k", 1025)), "1025 bytes"},
		{c.Object("b", strings.Repeat("é", 513)), "1026 bytes"},
		{c.MustParse("s3://b/" + strings.Repeat("k", 1025)), "1025 bytes"},
		{c.Object("b", "\xff"), "UTF-8"},
		{c.Object("b/c", "k"), "bucket"},
		{c.Object("../x", "k"), "bucket"},
		{c.Object(".", "k"), "bucket"},
		{c.Object("..", "k"), "bucket"},
		{c.Object("a b", "k"), "bucket"},
		{c.Object(strings.Repeat("b", 256), "k"), "256 bytes"},
		{c.Object("arn:aws:s3:::bucket", "k"), "another shape"},
		{c.Object(regionalARN+"/dir", "k"), "another shape"},
		{c.Object("user:pass@bucket", "k"), "bucket"},
	}
	for _, tt := range bad {
		t.Run(fmt.Sprintf("%.40q", tt.p), func(t *testing.T) {
			err := tt.p.check("stat")
			wantInvalid(t, err, "stat")
			if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "pass") {
				t.Errorf("the error is %q, want it to say %q", err, tt.says)
			}
			if bucket := tt.p.Bucket(); bucketFault(bucket) != "" {
				err := validBucket(bucket)
				if !errors.Is(err, cloudpath.ErrInvalidPath) || strings.Contains(err.Error(), "pass") {
					t.Errorf("validBucket = %v", err)
				}
			}
		})
	}
	for _, bucket := range []string{"b", "B_1.x-y", "...", mrapARN, regionalARN} {
		if err := validBucket(bucket); err != nil {
			t.Errorf("validBucket(%q) = %v", bucket, err)
		}
	}
}

func TestMarshalText(t *testing.T) {
	c := new(Client)
	for _, p := range []S3Path{{}, c.MustParse("s3://b"), c.MustParse("s3://b/a//b/ \n%20é"), c.Object(mrapARN, "k"), c.Object("b", strings.Repeat("k", 1025))} {
		text, err := p.MarshalText()
		if err != nil || string(text) != p.String() {
			t.Fatalf("MarshalText = %q, %v, want %q", text, err, p.String())
		}
		back := c.MustParse("s3://before/k").AtVersion("v")
		if err := back.UnmarshalText(text); err != nil || back != p {
			t.Errorf("%q came back as %#v, %v", text, back, err)
		}
	}
	for _, p := range []S3Path{
		c.MustParse("s3://b/k").AtVersion("v"), c.Object("b", "\xff"), c.Object("", "k"), c.Object("", ""), c.Object("b/c", "k"), c.Object("a:b", "k"),
	} {
		text, err := p.MarshalText()
		wantInvalid(t, err, "marshal")
		if text != nil {
			t.Errorf("MarshalText = %q with an error", text)
		}
	}
}

func TestUnmarshalTextAndTheClient(t *testing.T) {
	var p S3Path
	if err := p.UnmarshalText([]byte("s3://b/k")); err != nil || p != DefaultClient().MustParse("s3://b/k") || p != MustParse("s3://b/k") {
		t.Errorf("into the zero path: %#v, %v", p, err)
	}
	c := new(Client)
	p = c.MustParse("s3://before/k").AtVersion("v")
	if err := p.UnmarshalText([]byte("S3://b/k/")); err != nil || p != c.MustParse("s3://b/k/") {
		t.Errorf("into a path with a client: %#v, %v", p, err)
	}
	if q, err := Parse("s3:/b"); q != (S3Path{}) || !errors.Is(err, cloudpath.ErrInvalidPath) {
		t.Errorf("Parse = %v, %v", q, err)
	}
}

func TestPathsInJSON(t *testing.T) {
	type record struct {
		Path S3Path
		Ptr  *S3Path
		None S3Path
		Size map[S3Path]int
	}
	ptr := MustParse("s3://b/<html>&\u2028\"\\")
	in := record{
		Path: MustParse("s3://b/a//b/"),
		Ptr:  &ptr,
		Size: map[S3Path]int{MustParse("s3://b"): 1, MustParse("s3://b/e\u0301\n\x00"): 2, {}: 3},
	}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"Path":"s3://b/a//b/"`) || !strings.Contains(string(text), `"None":""`) {
		t.Errorf("JSON is %s", text)
	}
	var out record
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if out.Path != in.Path || out.None != in.None || *out.Ptr != *in.Ptr || !maps.Equal(out.Size, in.Size) {
		t.Errorf("came back as %#v, want %#v", out, in)
	}

	c := new(Client)
	bound := record{Path: c.MustParse("s3://before")}
	if err := json.Unmarshal(text, &bound); err != nil || bound.Path != c.MustParse("s3://b/a//b/") {
		t.Errorf("decoded into a path with a client: %#v, %v", bound.Path, err)
	}
	if _, err := json.Marshal(in.Path.AtVersion("v")); !errors.Is(err, cloudpath.ErrInvalidPath) {
		t.Errorf("marshalling a version: %v", err)
	}
	if err := json.Unmarshal([]byte(`{"Path":"gs://b/k"}`), &out); !errors.Is(err, cloudpath.ErrInvalidPath) {
		t.Errorf("unmarshalling another scheme: %v", err)
	}
	if out.Path != in.Path {
		t.Errorf("a failed decoding left %v", out.Path)
	}
}

func TestComputingPathsHardlyAllocates(t *testing.T) {
	p := new(Client).MustParse("s3://bucket/some/directory/file.tar.gz")
	base := p.Parent()
	for what, tt := range map[string]struct {
		do   func()
		want float64
	}{
		"Parent, Name, Stem, Suffix": {func() { _, _, _, _ = p.Parent(), p.Name(), p.Stem(), p.Suffix() }, 0},
		"Compare, RelativeTo":        {func() { p.Compare(base); _, _ = p.RelativeTo(base) }, 0},
		"check":                      {func() { _ = p.check("stat") }, 0},
		"String":                     {func() { _ = p.String() }, 1},
		"Child":                      {func() { base.Child("x") }, 1},
		"Join":                       {func() { base.Join("x", "y") }, 1},
		"Parse":                      {func() { _, _ = p.client.Parse("s3://bucket/some/directory/file") }, 0},
	} {
		if got := testing.AllocsPerRun(100, tt.do); got > tt.want {
			t.Errorf("%s: %v allocations, want %v", what, got, tt.want)
		}
	}
}

var sink struct {
	text string
	path S3Path
}

func BenchmarkPath(b *testing.B) {
	c := new(Client)
	p := c.MustParse("s3://bucket/some/directory/file.tar.gz")
	base := p.Parent()
	for _, bm := range []struct {
		name string
		do   func()
	}{
		{"String", func() { sink.text = p.String() }},
		{"Parent", func() { sink.path = p.Parent() }},
		{"Name", func() { sink.text = p.Name() }},
		{"Suffix", func() { sink.text = p.Suffix() }},
		{"Join", func() { sink.path = base.Join("below", "file.txt") }},
		{"Child", func() { sink.path = base.Child("below/file.txt") }},
		{"RelativeTo", func() { sink.text, _ = p.RelativeTo(base) }},
		{"Parse", func() { sink.path, _ = c.Parse("s3://bucket/some/directory/file.tar.gz") }},
		{"ParseARN", func() { sink.path, _ = c.Parse("s3://" + regionalARN + "/some/file") }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bm.do()
			}
		})
	}
}
