package aferoadapter

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// Whatever a name is, it stands for something below the root, and for the same
// when it is named again by what it stands for.
func FuzzName(f *testing.F) {
	for _, name := range []string{"", ".", "/", "../../x", "/..//x", "a/../../b", `..\..\x`, "a\x00b", "a\xffb", "a//b/", "./a/.", "...", "C:\\x"} {
		f.Add(name)
	}
	root := New(s3path.MustParse("s3://bucket/data"))
	f.Fuzz(func(t *testing.T, name string) {
		got, err := named("open", name)
		if err != nil {
			if pathErr, ok := err.(*os.PathError); !ok || pathErr.Path != name {
				t.Fatalf("%q: %#v", name, err)
			}
			return
		}
		if !fs.ValidPath(got.rel) || got.rel != "." && !strings.HasPrefix(root.path(got).Key(), "data/") || got.rel == "." && root.path(got).Key() != "data/" {
			t.Fatalf("%q is %q, %v", name, got.rel, root.path(got))
		}
		again, err := named("open", "/"+got.rel)
		if err != nil || again.rel != got.rel {
			t.Fatalf("%q is %q, but that is %q, %v", name, got.rel, again.rel, err)
		}
		if up := got.parent(); !got.root() && !strings.HasPrefix(got.rel, up.rel) && !up.root() || !up.dir {
			t.Fatalf("the parent of %q is %q", got.rel, up.rel)
		}
	})
}
