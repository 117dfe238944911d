package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// SyncResult is what a sync did, or with WithDryRun would do: relative paths,
// sorted.
type SyncResult struct{ Copied, Deleted, Skipped []string }

// SyncFrom makes the tree below the path like a local directory: it uploads what
// is missing, of another size, or newer on disk. With WithDelete it removes
// objects that the directory does not have. Filters choose what is looked at:
// what they leave out is neither uploaded nor deleted.
//
// 1 request per 1,000 keys, those of an upload for each file that is uploaded,
// and 1 per 1,000 deletions. Symbolic links are treated as UploadFrom treats
// them. When some files fail, the others are done, the error names each, and
// nothing is deleted.
func (p S3Path) SyncFrom(ctx context.Context, localDir string, opts ...SyncOption) (SyncResult, error) {
	s, err := p.startSync(ctx, opts, syncOptions|propertyOptions, func(s *settings) []SyncOption {
		return asSyncOptions(s.writeDefaults, WriteOption.writeOption)
	})
	if err != nil {
		return SyncResult{}, err
	}
	root, err := os.OpenRoot(localDir)
	if err != nil {
		return SyncResult{}, failure("sync", p, err)
	}
	defer func() { _ = root.Close() }() // a handle for names
	defer s.m.end()
	err = s.from(ctx, root)
	return s.sorted(), failure("sync", p, err)
}

// SyncTo makes a local directory like the tree below the path: it downloads what
// is missing, of another size, or newer in S3, and gives each file its object's
// time. With WithDelete it removes files that S3 does not have, first those in
// the way of what it downloads; directories stay, unless an object has the name of
// one, and so does a link in the place of a directory that S3 has. Filters choose
// what is looked at: what they leave out is neither downloaded nor deleted.
//
// 1 request per 1,000 keys and those of a download for each object. A missing
// tree is fs.ErrNotExist: an empty directory is not made out of a mistyped path.
// Keys that cannot be file names below the directory are
// cloudpath.ErrUnsafeName, before anything is changed. When some objects fail,
// the others are done, the error names each, and nothing else is deleted.
func (p S3Path) SyncTo(ctx context.Context, localDir string, opts ...SyncOption) (SyncResult, error) {
	s, err := p.startSync(ctx, opts, syncOptions, func(s *settings) []SyncOption {
		return asSyncOptions(s.readDefaults, ReadOption.readOption)
	})
	if err != nil {
		return SyncResult{}, err
	}
	defer s.m.end()
	err = s.to(ctx, localDir)
	return s.sorted(), failure("sync", p, err)
}

// A customer's key reaches a sync as a default of the client.
const syncOptions = filterOptions | optDelete | optDryRun | optConcurrency | optSSEC | optProgress

// syncDefault is a client's default for the reads or the writes of a sync.
type syncDefault func(*call) error

func (d syncDefault) syncOption(c *call) error { return d(c) }

func asSyncOptions[O any](defaults []O, give func(O, *call) error) []SyncOption {
	out := make([]SyncOption, len(defaults))
	for i, o := range defaults {
		out[i] = syncDefault(func(c *call) error { return give(o, c) })
	}
	return out
}

type syncing struct {
	p S3Path
	k *core
	c *call
	m *meter

	mu     sync.Mutex
	result SyncResult
}

func (p S3Path) startSync(ctx context.Context, opts []SyncOption, allowed optionSet, defaults func(*settings) []SyncOption) (*syncing, error) {
	k, c, err := start(ctx, p, "sync", opts, SyncOption.syncOption, defaults, allowed)
	if err == nil && p.version != "" {
		err = failure("sync", p, fmt.Errorf("%w: a version is of one object", errors.ErrUnsupported))
	}
	s := &syncing{p: p, k: k, c: c}
	if err == nil {
		s.m = c.meter(p)
	}
	return s, err
}

func (s *syncing) sorted() SyncResult {
	for _, list := range [][]string{s.result.Copied, s.result.Deleted, s.result.Skipped} {
		slices.Sort(list)
	}
	return s.result
}

func (s *syncing) note(list *[]string, rel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*list = append(*list, rel)
}

// remote lists the objects below the path by relative path, markers left out.
func (s *syncing) remote(ctx context.Context) (map[string]Entry, error) {
	objects := map[string]Entry{}
	st := store{k: s.k, p: s.p}
	found, err := tree.Scan(ctx, st, s.p.key, nil, tree.Listing{Prune: s.c.filter.prune(s.p.key)}, func(item tree.Item) tree.Verdict {
		e := entryOf(s.p, item)
		objects[e.rel] = e
		return tree.Continue
	})
	if err == nil && !found && s.p.key != "" {
		err = errNoTree
	}
	return objects, err
}

// local is a file as the filters see it.
func (s *syncing) local(rel string, st fs.FileInfo) Entry {
	return Entry{S3Path: s.p.Child(rel), rel: rel, object: tree.Object{Size: st.Size(), ModTime: st.ModTime().Truncate(time.Second)}}
}

// differs reports whether the copy at the target is of another size, or older
// than its source. Times are compared in whole seconds, the finest that S3 has.
func differs(sourceSize, targetSize int64, source, target time.Time) bool {
	return sourceSize != targetSize || source.Truncate(time.Second).After(target.Truncate(time.Second))
}

// ---- from disk to S3

func (s *syncing) from(ctx context.Context, root *os.Root) error {
	objects, err := s.remote(ctx)
	if err != nil && !errors.Is(err, errNoTree) {
		return err
	}
	var (
		seen  = map[string]bool{}
		todo  []localFile
		wrong []error
	)
	for f, err := range localFiles(root) {
		if err = errors.Join(err, f.err); err != nil {
			wrong = append(wrong, err)
			continue
		}
		rel := filepath.ToSlash(f.name)
		seen[rel] = true
		st, err := root.Stat(f.at)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		here := s.local(rel, st)
		there, known := objects[rel]
		switch {
		case !s.c.filter.keeps(here):
		case known && !differs(st.Size(), there.Size(), st.ModTime(), there.ModTime()):
			s.note(&s.result.Skipped, rel)
		default:
			f.size = st.Size()
			todo = append(todo, f)
		}
	}
	for _, f := range todo {
		s.plan(f.size)
	}
	s.m.planned()
	err = tree.Each(ctx, s.c.concurrency, sequence(todo), func(ctx context.Context, f localFile) error {
		rel := filepath.ToSlash(f.name)
		if !s.c.has(optDryRun) {
			to := s.p.Child(rel)
			one := *s.c
			one.gauge = s.m.object(to, f.size)
			if err := to.uploadFile(ctx, s.k, &one, func() (*os.File, error) { return root.Open(f.at) }); err != nil {
				return failure("upload", to, err)
			}
		}
		s.note(&s.result.Copied, rel)
		return nil
	})
	if err = errors.Join(append(wrong, err)...); err != nil || !s.c.has(optDelete) {
		return err
	}
	var extra []string
	for rel, e := range objects {
		if !seen[rel] && s.c.filter.keeps(e) {
			extra = append(extra, e.key)
			s.result.Deleted = append(s.result.Deleted, rel)
		}
	}
	if s.c.has(optDryRun) {
		return nil
	}
	err = tree.Delete(ctx, store{k: s.k, p: s.p, slots: make(slots, s.c.concurrency)}, s.c.concurrency, sequence(extra))
	return s.undeleted(err)
}

// plan counts what is going to be copied. A dry run moves nothing.
func (s *syncing) plan(size int64) {
	if !s.c.has(optDryRun) {
		s.m.plan(1, size)
	}
}

// undeleted takes what was not removed out of the result.
func (s *syncing) undeleted(err error) error {
	if err == nil {
		return nil
	}
	failed := map[string]bool{}
	_ = mapFailures(err, func(f *tree.Failure) error {
		rel, _ := tree.Rel(s.p.key, f.Key)
		failed[rel] = true
		return f
	})
	if len(failed) == 0 { // the request as a whole
		s.result.Deleted = nil
	}
	s.result.Deleted = slices.DeleteFunc(s.result.Deleted, func(rel string) bool { return failed[rel] })
	return s.p.named(err)
}

// ---- from S3 to disk

func (s *syncing) to(ctx context.Context, localDir string) error {
	objects, err := s.remote(ctx)
	if err != nil {
		return err
	}
	var (
		dirs   = map[string]bool{}
		unsafe []error
	)
	for rel, e := range objects {
		if !s.c.filter.keeps(e) {
			continue
		}
		if _, err := localName(rel); err != nil {
			unsafe = append(unsafe, fmt.Errorf("%v: %w", e.S3Path, err))
		}
		addAbove(dirs, rel)
	}
	if len(unsafe) > 0 {
		return errors.Join(unsafe...)
	}
	if !s.c.has(optDryRun) {
		if err := os.MkdirAll(localDir, 0o777); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(localDir)
	if s.c.has(optDryRun) && errors.Is(err, fs.ErrNotExist) {
		root, err = nil, nil // nothing is there yet
	}
	if err != nil {
		return err
	}
	if root != nil {
		defer func() { _ = root.Close() }() // a handle for names
	}
	remove := s.c.has(optDelete) && root != nil
	there := map[string]bool{} // the directories that S3 has, filtered out or not
	for rel := range objects {
		addAbove(there, rel)
	}
	if remove && !s.c.has(optDryRun) {
		if err := s.makeWay(root, objects, dirs, there); err != nil {
			return err
		}
	}
	if err := s.fetch(ctx, root, objects, dirs); err != nil || !remove {
		return err
	}
	_, err = s.prune(root, ".", objects, there)
	return err
}

// fetch downloads what differs.
func (s *syncing) fetch(ctx context.Context, root *os.Root, objects map[string]Entry, dirs map[string]bool) error {
	var (
		todo  []Entry
		wrong []error
	)
	for _, e := range objects {
		if !s.c.filter.keeps(e) {
			continue
		}
		if dirs[e.rel] {
			wrong = append(wrong, failure("download", e.S3Path, errBoth))
			continue
		}
		name, err := localName(e.rel)
		if err != nil {
			wrong = append(wrong, failure("download", e.S3Path, err))
			continue
		}
		if root != nil {
			st, err := root.Lstat(name)
			if err == nil && st.Mode().IsRegular() && !differs(e.Size(), st.Size(), e.ModTime(), st.ModTime()) {
				s.note(&s.result.Skipped, e.rel)
				continue
			}
		}
		s.plan(e.Size())
		todo = append(todo, e)
	}
	s.m.planned()
	d := &download{k: s.k, slots: make(chan struct{}, s.c.concurrency)}
	err := tree.Each(ctx, s.c.concurrency, sequence(todo), func(ctx context.Context, e Entry) error {
		if !s.c.has(optDryRun) {
			name, err := localName(e.rel)
			if err == nil {
				err = root.MkdirAll(filepath.Dir(name), 0o777)
			}
			if err == nil {
				err = d.fetch(ctx, e.S3Path, s.c.ssec, root, name, s.m.object(e.S3Path, e.Size()))
			}
			if err != nil {
				return failure("download", e.S3Path, err)
			}
		}
		s.note(&s.result.Copied, e.rel)
		return nil
	})
	return errors.Join(append(wrong, err)...)
}

// makeWay removes the files that stand where a directory has to be, and what is in
// directories that stand where a file has to be: after the copies is too late.
func (s *syncing) makeWay(root *os.Root, objects map[string]Entry, dirs, there map[string]bool) error {
	var failed []error
	for rel := range dirs {
		st, err := root.Lstat(filepath.FromSlash(rel))
		if _, both := objects[rel]; err == nil && !both && !st.IsDir() && st.Mode().Type() != fs.ModeSymlink {
			failed = append(failed, s.removeFile(root, rel, st))
		}
	}
	for rel, e := range objects {
		st, err := root.Lstat(filepath.FromSlash(rel))
		if err != nil || !st.IsDir() || dirs[rel] || !s.c.filter.keeps(e) {
			continue
		}
		below, err := s.prune(root, rel, objects, there)
		failed = append(failed, err)
		for _, dir := range slices.Backward(below) {
			_ = root.Remove(filepath.FromSlash(dir)) // one that is not empty stays
		}
	}
	return errors.Join(failed...)
}

// prune removes files at and below top that S3 does not have, and returns the
// directories that it came by. Links are removed as links, but for those in the
// place of a directory that S3 has.
func (s *syncing) prune(root *os.Root, top string, objects map[string]Entry, there map[string]bool) (dirs []string, err error) {
	var failed []error
	err = fs.WalkDir(root.FS(), top, func(rel string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			dirs = append(dirs, rel)
			return nil
		}
		if _, kept := objects[rel]; kept || there[rel] && d.Type() == fs.ModeSymlink {
			return nil
		}
		st, err := d.Info()
		if err == nil {
			failed = append(failed, s.removeFile(root, rel, st))
		}
		return err
	})
	return dirs, errors.Join(append(failed, err)...)
}

// removeFile removes a file that S3 does not have, unless it is filtered out.
func (s *syncing) removeFile(root *os.Root, rel string, st fs.FileInfo) error {
	if !s.c.filter.keeps(s.local(rel, st)) {
		return nil
	}
	if !s.c.has(optDryRun) {
		if err := root.Remove(filepath.FromSlash(rel)); err != nil {
			return err
		}
	}
	s.result.Deleted = append(s.result.Deleted, rel)
	return nil
}
