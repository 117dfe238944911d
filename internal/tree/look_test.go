package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestLook(t *testing.T) {
	l := newFake(t, "both", "both/child", "d/", "d//x", "dir_0/file0_0.txt", "fake/", "top.txt")
	tests := []struct {
		key                          string
		file, dir                    bool // what IsFile and IsDir say
		look                         Kind
		lookRequests, isFileRequests int
	}{
		{"", false, true, Kind{Dir: true}, 1, 1},
		{"dir_0", false, true, Kind{Dir: true}, 2, 1},
		{"dir_0/", false, true, Kind{Dir: true}, 1, 1},
		{"dir_0/file0_0.txt", true, false, Kind{File: true}, 1, 1},
		{"dir_0/file0", false, false, Kind{}, 2, 1},
		{"fake", false, true, Kind{Dir: true}, 2, 1},
		{"fake/", false, true, Kind{Dir: true}, 1, 1},
		{"top.txt", true, false, Kind{File: true}, 1, 1},
		{"top.txt/", false, false, Kind{}, 1, 1},
		{"both", true, true, Kind{File: true}, 1, 1},
		{"both/", false, true, Kind{Dir: true}, 1, 1},
		{"d", false, true, Kind{Dir: true}, 2, 1},
		{"d/", false, true, Kind{Dir: true}, 1, 1},
		{"d//", false, true, Kind{Dir: true}, 1, 1},
		{"nope", false, false, Kind{}, 2, 1},
		{"nope/", false, false, Kind{}, 1, 1},
	}
	for _, hollow := range []bool{false, true} {
		l.hollow = hollow // an empty page first, which must not read as "no"
		for _, test := range tests {
			if test.look.File {
				test.look.Object = object(test.key)
			}
			l.reset()
			got, err := Look(t.Context(), l, test.key)
			if got != test.look || errors.Is(err, fs.ErrNotExist) == (got.File || got.Dir) {
				t.Errorf("Look(%q) = %+v, %v", test.key, got, err)
			}
			if !hollow && l.requests() != test.lookRequests {
				t.Errorf("Look(%q): %d requests, want %d", test.key, l.requests(), test.lookRequests)
			}
			l.reset()
			if ok, err := IsDir(t.Context(), l, test.key); ok != test.dir || err != nil {
				t.Errorf("IsDir(%q) = %v, %v", test.key, ok, err)
			}
			if !hollow && (l.lists != 1 || l.heads != 0) {
				t.Errorf("IsDir(%q): %d LISTs, %d HEADs", test.key, l.lists, l.heads)
			}
			l.reset()
			if ok, err := IsFile(t.Context(), l, test.key); ok != test.file || err != nil {
				t.Errorf("IsFile(%q) = %v, %v", test.key, ok, err)
			}
			if !hollow && l.requests() != test.isFileRequests {
				t.Errorf("IsFile(%q): %d requests", test.key, l.requests())
			}
		}
	}
}

func TestLookInAnEmptyOrMissingBucket(t *testing.T) {
	l := newFake(t)
	if kind, err := Look(t.Context(), l, ""); err != nil || !kind.Dir {
		t.Errorf("an empty bucket is %+v, %v", kind, err)
	}
	if ok, err := IsDir(t.Context(), l, ""); !ok || err != nil {
		t.Errorf("an empty bucket is a directory: %v, %v", ok, err)
	}
	l.missing = true
	for _, key := range []string{"", "k", "k/"} {
		kind, err := Look(t.Context(), l, key)
		if kind != (Kind{}) || !errors.Is(err, fs.ErrNotExist) || err.Error() == fs.ErrNotExist.Error() {
			t.Errorf("Look(%q) in a missing bucket: %+v, %v; the error is to be the one that names the bucket", key, kind, err)
		}
		if ok, err := IsDir(t.Context(), l, key); ok || err != nil {
			t.Errorf("IsDir(%q) in a missing bucket: %v, %v", key, ok, err)
		}
		if ok, err := IsFile(t.Context(), l, key); ok || err != nil {
			t.Errorf("IsFile(%q) in a missing bucket: %v, %v", key, ok, err)
		}
	}
}

// TestLookBehindRefusals goes through what HEAD and LIST may answer.
func TestLookBehindRefusals(t *testing.T) {
	forbidden := fmt.Errorf("forbidden: %w", fs.ErrPermission)
	tests := []struct {
		name       string
		key        string
		head, list error
		want       Kind
		err        error
	}{
		{"HEAD 403, LIST empty", "nope", forbidden, nil, Kind{}, forbidden},
		{"HEAD 403, LIST empty, of a file", "f", forbidden, nil, Kind{}, forbidden},
		{"HEAD 403, LIST not empty", "d", forbidden, nil, Kind{Dir: true}, nil},
		{"HEAD 403, LIST 403", "d", forbidden, forbidden, Kind{}, forbidden},
		{"HEAD 403, LIST 404", "d", forbidden, fs.ErrNotExist, Kind{}, forbidden},
		{"HEAD 403, LIST 500", "d", forbidden, errBroken, Kind{}, errBroken},
		{"HEAD 404, LIST 403", "d", nil, forbidden, Kind{}, forbidden},
		{"HEAD 404, LIST 500", "nope", nil, errBroken, Kind{}, errBroken},
		{"HEAD 500", "d", errBroken, nil, Kind{}, errBroken},
		{"HEAD 200, LIST 403", "f", nil, forbidden, Kind{File: true, Object: object("f")}, nil},
		{"HEAD 200, LIST 500", "f", nil, errBroken, Kind{File: true, Object: object("f")}, nil},
		{"LIST 403 of a key with a slash", "d/", errBroken, forbidden, Kind{}, forbidden},
		{"LIST 403 of a bucket", "", errBroken, forbidden, Kind{}, forbidden},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newFake(t, "d/x", "f")
			l.headErr, l.listErr = test.head, test.list
			got, err := Look(t.Context(), l, test.key)
			if got != test.want || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Errorf("got %+v, %v", got, err)
			}
			if test.err != nil && test.err != fs.ErrNotExist && errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v reads as missing", err)
			}
		})
	}
	for _, want := range []error{forbidden, errBroken} {
		l := newFake(t, "d/x", "f")
		l.headErr, l.listErr = want, want
		for _, key := range []string{"", "d", "d/", "f", "nope"} {
			if ok, err := IsDir(t.Context(), l, key); ok || !errors.Is(err, want) {
				t.Errorf("IsDir(%q) = %v, %v, want %v", key, ok, err, want)
			}
			if ok, err := IsFile(t.Context(), l, key); ok || !errors.Is(err, want) {
				t.Errorf("IsFile(%q) = %v, %v, want %v", key, ok, err, want)
			}
		}
	}
}
