package s3path_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the README says about the code is compared with the code.

func readREADME(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parsed is the syntax of the files of a directory.
func parsed(t *testing.T, dir string, want func(name string) bool) (fset *token.FileSet, files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset = token.NewFileSet()
	for _, name := range names {
		if !want(filepath.Base(name)) {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return fset, files
}

// TestREADMECode: each piece of Go stands in an example or a test, which go test
// runs, and each output is what an example or a program is known to print.
func TestREADMECode(t *testing.T) {
	const name = "readme_example_test.go"
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fset, files := parsed(t, ".", func(file string) bool { return file == name })
	between := func(n ast.Node) string {
		return string(source[fset.Position(n.Pos()).Offset:fset.Position(n.End()).Offset])
	}
	var code, outputs []string
	for _, ex := range doc.Examples(files...) {
		if ex.Output == "" {
			t.Errorf("Example%s has no output, and so is not run", ex.Name)
		}
		code = append(code, strings.ReplaceAll(between(ex.Code), "\n\t", "\n"))
		outputs = append(outputs, ex.Output)
	}
	for _, decl := range files[0].Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") {
			code = append(code, between(fn)+"\n")
		}
	}
	programs, err := filepath.Glob("../examples/jobs/*/testdata/*.golden") // what they print, or are run with
	if err != nil || len(programs) == 0 {
		t.Fatal(programs, err)
	}
	for _, file := range append(programs, "../testdata/quickstart.golden") {
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, string(golden))
	}

	blocks := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(readREADME(t), -1)
	seen := map[string]int{}
	for _, block := range blocks {
		where := outputs
		switch block[1] {
		case "go":
			where = code
		case "text":
		default:
			t.Errorf("a block of %q, which nobody checks:\n%s", block[1], block[2])
			continue
		}
		seen[block[1]]++
		if !slices.ContainsFunc(where, func(text string) bool { return strings.Contains(text, block[2]) }) {
			t.Errorf("this %s stands in no example:\n%s", block[1], block[2])
		}
	}
	if seen["go"] < 10 || seen["text"] < 2 {
		t.Errorf("found %v", seen)
	}
}

// TestREADMENames: what looks like a name of this library is one, and each error
// that a program might want to know is in the table.
func TestREADMENames(t *testing.T) {
	text := readREADME(t)
	known := map[string]bool{} // "cloudpath.ErrChanged", and "ErrChanged" too
	sentinel := regexp.MustCompile(`^Err[A-Z]`)
	for _, dir := range []string{"../cloudpath", ".", "s3pathtest"} {
		_, files := parsed(t, dir, func(name string) bool { return !strings.HasSuffix(name, "_test.go") })
		for _, file := range files {
			for _, name := range exported(file) {
				known[name], known[file.Name.Name+"."+name] = true, true
				wanted := sentinel.MatchString(name) && name != "ErrInsecureCache" // there is no cache yet
				if wanted && !strings.Contains(text, "`"+file.Name.Name+"."+name+"`") {
					t.Errorf("the table of errors has no %s.%s", file.Name.Name, name)
				}
			}
		}
	}
	for _, name := range []string{"PutObject", "AbortIncompleteMultipartUpload"} {
		known[name] = true // S3's own
	}
	count := 0
	for _, name := range regexp.MustCompile(`\b(?:cloudpath|s3path|s3pathtest)\.[A-Z]\w*`).FindAllString(text, -1) {
		if count++; !known[name] {
			t.Errorf("there is no %s", name)
		}
	}
	prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
	for _, span := range regexp.MustCompile("`[^`\n]+`").FindAllString(prose, -1) {
		for _, name := range regexp.MustCompile(`(?:^|[^\w."/*-])((?:Client\.)?[A-Z][a-z]\w*)(?:[^\w-]|$)`).FindAllStringSubmatch(span, -1) {
			if count++; !known[strings.TrimPrefix(name[1], "Client.")] {
				t.Errorf("there is no %s, of %s", name[1], span)
			}
		}
	}
	if count < 100 {
		t.Errorf("found %d names", count)
	}
}

// exported are the names of a file's exported declarations, methods included.
func exported(file *ast.File) []string {
	var names []string
	add := func(id *ast.Ident) {
		if id.IsExported() {
			names = append(names, id.Name)
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			add(decl.Name)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name)
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						add(id)
					}
				}
			}
		}
	}
	return names
}

// TestREADMEDependencies: each module that go.mod asks for by itself has its reason.
func TestREADMEDependencies(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(readREADME(t), "\n## Dependencies\n")
	table, _, ended := strings.Cut(table, "\n## ")
	if !ok || !ended {
		t.Fatal("there is no section of that name")
	}
	const sdk = "github.com/aws/aws-sdk-go-v2/"
	direct := 0
	for _, line := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		direct++
		name := line[1]
		if short, ok := strings.CutPrefix(name, sdk); ok && !strings.Contains(table, name) {
			name = short
		}
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("%s is not there", line[1])
		}
	}
	listed := strings.Count(strings.ReplaceAll(table, "`s3pathtest`", ""), "`") / 2
	if direct == 0 || listed != direct {
		t.Errorf("%d modules are listed, go.mod has %d", listed, direct)
	}
}
