package aferoadapter_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// afero's own tests, as the module cache has them, with this Fs in the place of
// its OsFs. They are compiled as a package that is laid over this one's directory
// and exists nowhere.
var hostedFiles = []string{
	"afero_test.go", "path_test.go", "match_test.go", "memmap_test.go", "ioutil_test.go", "util_test.go", "iofs_test.go",
}

// hostedSkips are afero's tests that cannot pass on a store that commits when a
// file is closed, and why.
var hostedSkips = map[string]string{
	"TestWriteAt":           "reads through a second handle what the first has written and not closed",
	"TestMultipleOpenFiles": "opens for writing, through a second handle, a file that the first has not closed yet",
}

// hostedMain is the test's TestMain, and what the tests take from inside of
// package afero for tests of itself.
const hostedMain = `package hosted

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	. "github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func readDirNames(fs Fs, dir string) ([]string, error) {
	f, err := fs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	sort.Strings(names)
	return names, err
}

func normalizePath(path string) string {
	switch file := filepath.Clean(path); {
	case file == ".", file == "..", strings.HasPrefix(file, "../"):
		return FilePathSeparator
	default:
		return file
	}
}

func dataOf(fs *MemMapFs) map[string]bool {
	data := map[string]bool{}
	for _, key := range reflect.ValueOf(fs).Elem().FieldByName("data").MapKeys() {
		data[key.String()] = true
	}
	return data
}

func readerContainsAny(r io.Reader, subslices ...[]byte) bool {
	fs := NewMemMapFs()
	if r == nil || WriteReader(fs, "/reader", r) != nil {
		return false
	}
	found, _ := FileContainsAnyBytes(fs, "/reader", subslices)
	return found
}

type commonFileInfoDirEntry struct{ os.FileInfo }

func (commonFileInfoDirEntry) Type() os.FileMode           { panic("not called") }
func (commonFileInfoDirEntry) Info() (os.FileInfo, error) { panic("not called") }

func TestMain(m *testing.M) {
	c, err := s3path.NewClient(context.Background(),
		s3path.WithEndpoint(os.Getenv("HOSTED_URL")), s3path.WithRegion(os.Getenv("HOSTED_REGION")),
		s3path.WithStaticCredentials(os.Getenv("HOSTED_KEY"), os.Getenv("HOSTED_SECRET"), ""))
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	Fss = []Fs{NewMemMapFs(), aferoadapter.New(c.Object(os.Getenv("HOSTED_BUCKET"), ""))}
	os.Exit(m.Run())
}
`

// hosted compiles afero's tests.
func hosted(temp string) (program string, err error) {
	list := func(args ...string) (string, error) {
		out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	source, err := list("-m", "-f", "{{.Dir}}", "github.com/spf13/afero")
	if err != nil {
		return "", fmt.Errorf("looking for afero: %w", err)
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	overlay := map[string]string{}
	add := func(name, text string) error {
		path := filepath.Join(temp, name)
		overlay[filepath.Join(here, "hosted", name)] = path
		return os.WriteFile(path, []byte(text), 0o600)
	}
	change := strings.NewReplacer(
		"package afero\n", "package hosted\n\nimport . \"github.com/spf13/afero\"\n",
		"Fss      = []Fs{&MemMapFs{}, &OsFs{}}", "Fss []Fs",
		`"github.com/spf13/afero/internal/common"`, "", // which no other module may import
		"fs.getData()", "dataOf(fs)",
		"common.FileInfoDirEntry", "commonFileInfoDirEntry",
	)
	for _, name := range hostedFiles {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		if err := add(name, change.Replace(string(text))); err != nil {
			return "", err
		}
	}
	if err := add("hosted_main_test.go", hostedMain); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return "", err
	}
	laid := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(laid, text, 0o600); err != nil {
		return "", err
	}
	program = filepath.Join(temp, "hosted.exe")
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", laid, "-o", program, "./hosted").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compiling afero's tests: %w\n%s", err, out)
	}
	return program, nil
}

func TestAferosOwnTests(t *testing.T) {
	program, err := hosted(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	everywhere(t, func(t *testing.T, at *place) {
		skips := make([]string, 0, len(hostedSkips))
		for name := range hostedSkips {
			skips = append(skips, name)
		}
		slices.Sort(skips)
		cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.skip", "^("+strings.Join(skips, "|")+")$")
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(),
			"HOSTED_URL="+at.URL, "HOSTED_REGION="+at.Region, "HOSTED_KEY="+at.AccessKey, "HOSTED_SECRET="+at.SecretKey,
			"HOSTED_BUCKET="+at.bucket.Bucket(), "TMPDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		passed := 0
		for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "--- PASS"):
				passed++
			case strings.HasPrefix(line, "--- SKIP"):
				t.Errorf("afero skips %s", line)
			}
		}
		if passed < 55 || at.Proxy.Count() < 200 {
			t.Errorf("%d of afero's tests ran, with %d requests", passed, at.Proxy.Count())
		}
	})
}
