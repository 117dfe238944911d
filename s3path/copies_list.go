package s3path

import (
	"context"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// listCopies is a page of what there are copies of, for a client that is
// offline. All of them are at hand, so that one page holds whatever was asked for.
func (s store) listCopies(ctx context.Context, q tree.Query) (tree.Page, error) {
	cs := s.k.copies
	entries, err := cs.session.Entries(ctx, cs.origin, s.p.bucket)
	if err != nil {
		return tree.Page{}, err
	}
	if len(entries) == 0 {
		return tree.Page{}, fmt.Errorf("%w: there is no copy of anything in bucket %q", fs.ErrNotExist, s.p.bucket)
	}
	var page tree.Page
	after := max(q.After, q.Token)
	for i := sort.Search(len(entries), func(i int) bool { return entries[i].Key.Key >= q.Prefix }); i < len(entries); i++ {
		e := entries[i]
		key := e.Key.Key
		if !strings.HasPrefix(key, q.Prefix) {
			break
		}
		last := "" // of the page, if it ends here
		if n := len(page.Objects); n > 0 {
			last = page.Objects[n-1].Key
		}
		if n := len(page.Prefixes); n > 0 {
			last = max(last, page.Prefixes[n-1])
		}
		prefix := ""
		if q.Delimiter != "" {
			if before, _, ok := strings.Cut(key[len(q.Prefix):], q.Delimiter); ok {
				prefix = q.Prefix + before + q.Delimiter
			}
		}
		switch {
		case prefix != "" && (prefix == last || prefix <= after), prefix == "" && key <= after:
			continue
		case q.Max > 0 && len(page.Objects)+len(page.Prefixes) == q.Max:
			page.Next = last
			return page, nil
		case prefix != "":
			page.Prefixes = append(page.Prefixes, prefix)
			continue
		}
		info := infoOfCopy(S3Path{bucket: s.p.bucket, key: key}, e.Meta)
		page.Objects = append(page.Objects, tree.Object{
			Key: key, Size: info.size, ModTime: info.modTime, ETag: info.etag, StorageClass: info.storageClass,
		})
	}
	return page, nil
}
