package s3matrix

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// keyRows is about keys: that they are bytes, of which only "/" is special, and
// only in listings.
var keyRows = []row{
	{gap: KeyEmptyComponent, probe: keeping("a//b", "a/b")},
	{gap: KeyLeadingSlash, probe: keeping("/lead", "lead")},
	{gap: KeyDots, probe: keeping("a/../b", "b", "c/./d", "c/d")},
	{gap: FileBesideDirectory, probe: holding("a", "a/b", "c/d", "c")},
	{gap: ListBelowFile, probe: keeping("a", "a/b", "c/d", "c")},
	{gap: MarkerWithBody, probe: keeping("dir/", "dir/file")},
	{gap: LongComponent, probe: keeping(strings.Repeat("x", 256))},
	{gap: Key1024, probe: keeping(strings.Repeat(strings.Repeat("x", 127)+"/", 7) + strings.Repeat("y", 128))},
	{gap: KeyNUL, probe: keepingUnprintable("a\x00b", "ab", "a")},
	{gap: KeyControl, probe: keepingUnprintable("a\x01b", "a\tb", "a\nb", "a\rb", "a\x1f", "a\x7f")},
}

var listRows = []row{
	{gap: EncodingTypeURL, probe: probeEncodingType},
	{gap: ListOnce, probe: probeListOnce},
	{gap: ListPages, probe: probeListPages},
	{gap: BadToken, probe: func(ctx context.Context, p *probe) error {
		_, err := p.SDK.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket, ContinuationToken: aws.String("never given")})
		return refused("LIST", err, 400)
	}},
}

// holding asks for each object by its key, keeping for a listing of all of them too.
func holding(keys ...string) func(context.Context, *probe) error {
	return func(ctx context.Context, p *probe) error { return p.holdsEach(ctx, keys) }
}

func keeping(keys ...string) func(context.Context, *probe) error {
	return func(ctx context.Context, p *probe) error { return p.keeps(ctx, keys) }
}

// keepingUnprintable is keeping for keys that XML cannot spell, so that they must
// be listed escaped.
func keepingUnprintable(keys ...string) func(context.Context, *probe) error {
	return func(ctx context.Context, p *probe) error {
		if err := p.holdsEach(ctx, keys); err != nil {
			return err
		}
		listed, err := p.listEscaped(ctx)
		if err != nil {
			return err
		}
		want := slices.Sorted(slices.Values(keys))
		if !slices.Equal(listed, want) {
			return fmt.Errorf("LIST: %q, not %q", listed, want)
		}
		return nil
	}
}

// listEscaped lists with encoding-type=url and undoes it.
func (p *probe) listEscaped(ctx context.Context) ([]string, error) {
	out, err := p.SDK.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket, EncodingType: types.EncodingTypeUrl})
	if err != nil {
		return nil, fmt.Errorf("LIST: %w", err)
	}
	var keys []string
	for _, o := range out.Contents {
		key, err := unescape(o.Key, out.EncodingType)
		if err != nil {
			return nil, fmt.Errorf("LIST: %w", err)
		}
		keys = append(keys, *key)
	}
	return keys, nil
}

func probeEncodingType(ctx context.Context, p *probe) error {
	keys := []string{"a b+c%d?e#f/\u00e9", "plain"}
	for _, key := range keys {
		if err := p.put(ctx, key, ""); err != nil {
			return err
		}
	}
	out, err := p.SDK.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket, EncodingType: types.EncodingTypeUrl})
	if err != nil {
		return fmt.Errorf("LIST: %w", err)
	}
	if out.EncodingType != types.EncodingTypeUrl {
		return fmt.Errorf("LIST: the answer's encoding type is %q", out.EncodingType)
	}
	listed, err := p.listEscaped(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(listed, keys) {
		return fmt.Errorf("LIST: %q, not %q", listed, keys)
	}
	return nil
}

// entries is a listing's keys and common prefixes, page by page.
func (p *probe) entries(ctx context.Context, prefix, delimiter string, max int32) (keys, prefixes []string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: p.bucket, MaxKeys: aws.Int32(max)}
	if prefix != "" {
		in.Prefix = aws.String(prefix)
	}
	if delimiter != "" {
		in.Delimiter = aws.String(delimiter)
	}
	pages := s3.NewListObjectsV2Paginator(p.SDK, in)
	for n := 0; pages.HasMorePages(); n++ {
		if n > 100 {
			return nil, nil, fmt.Errorf("LIST: the pages do not end")
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("LIST: %w", err)
		}
		if n := len(page.Contents) + len(page.CommonPrefixes); n > int(max) {
			return nil, nil, fmt.Errorf("LIST: a page of %d, for max-keys=%d", n, max)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
		for _, c := range page.CommonPrefixes {
			prefixes = append(prefixes, aws.ToString(c.Prefix))
		}
	}
	return keys, prefixes, nil
}

// listing is nil when a listing has exactly these, in this order.
func (p *probe) listing(ctx context.Context, prefix, delimiter string, max int32, keys, prefixes []string) error {
	k, c, err := p.entries(ctx, prefix, delimiter, max)
	if err != nil {
		return err
	}
	if !slices.Equal(k, keys) || !slices.Equal(c, prefixes) {
		return fmt.Errorf("LIST prefix=%q delimiter=%q max-keys=%d: %q and %q, not %q and %q", prefix, delimiter, max, k, c, keys, prefixes)
	}
	return nil
}

func probeListOnce(ctx context.Context, p *probe) error {
	for _, key := range []string{"dir/", "dir/a", "dir/b"} {
		if err := p.put(ctx, key, ""); err != nil {
			return err
		}
	}
	if err := p.listing(ctx, "", "/", 1000, nil, []string{"dir/"}); err != nil {
		return err
	}
	return p.listing(ctx, "dir/", "/", 1000, []string{"dir/", "dir/a", "dir/b"}, nil)
}

func probeListPages(ctx context.Context, p *probe) error {
	keys := []string{"a", "b-", "b/1", "b/2", "b0", "c/d/e", "f"}
	for _, key := range keys {
		if err := p.put(ctx, key, ""); err != nil {
			return err
		}
	}
	for max := range int32(len(keys)) {
		if err := p.listing(ctx, "", "", max+1, keys, nil); err != nil {
			return err
		}
		if err := p.listing(ctx, "", "/", max+1, []string{"a", "b-", "b0", "f"}, []string{"b/", "c/"}); err != nil {
			return err
		}
	}
	return nil
}
