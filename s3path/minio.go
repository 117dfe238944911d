package s3path

import (
	"context"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// A listing that begins inside a directory may end too early on MinIO, which is
// asked a second time then.

func isMinIO(m middleware.Metadata) bool {
	answer, ok := awsmiddleware.GetRawResponse(m).(*smithyhttp.Response)
	return ok && strings.HasPrefix(answer.Header.Get("Server"), "MinIO")
}

// behind makes sure of an answer that began behind q.After: where MinIO may have
// stopped too early, the listing begins earlier.
func (s store) behind(ctx context.Context, q tree.Query, answer tree.Page) (tree.Page, error) {
	from, err := crowdedBefore(q.Prefix, q.After, func(prefix string) (string, error) { return s.first(ctx, prefix) })
	if err != nil || from == "" {
		return answer, err
	}
	q.After = from // readers pass over what comes before
	answer, _, err = s.list(ctx, q)
	return answer, err
}

// first is the first key with a prefix, "" where there is none. A listing asks once.
func (s store) first(ctx context.Context, prefix string) (key string, err error) {
	if s.firsts != nil {
		if key, ok := s.firsts.Load(prefix); ok {
			return key.(string), nil
		}
	}
	page, _, err := s.list(ctx, tree.Query{Prefix: prefix, Max: 1})
	if err != nil {
		return "", err
	}
	if len(page.Objects) > 0 {
		key = page.Objects[0].Key
	}
	if s.firsts != nil {
		s.firsts.Store(prefix, key)
	}
	return key, nil
}

// crowdedBefore is what a listing is to begin behind where MinIO cannot be trusted
// with one that begins behind a key, "" where it can. Behind "x/1" it counts what is
// below "x-old/", which comes before, towards the page: with much of it next to
// nothing comes, and is said to be all. Behind "x" both are counted rightly. first is
// the first key with a prefix.
func crowdedBefore(prefix, after string, first func(prefix string) (string, error)) (from string, err error) {
	base := strings.LastIndexByte(prefix, '/') + 1
	for i := base + 1; i < len(after); i++ {
		if after[i] != '/' {
			continue
		}
		switch key, err := first(after[:i]); {
		case err != nil:
			return "", err
		case key != "" && key < after[:i+1]:
			return after[:i], nil
		}
	}
	return "", nil
}
