package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

const mebi = 1 << 20

// clients opens a client with each option by itself, and uses it.
func clients(ctx context.Context, root s3path.S3Path) error {
	hello := root.Join("hello.txt")
	if err := hello.WriteText(ctx, "hello"); err != nil {
		return err
	}
	// What the environment, or a profile or role that it names, has found.
	if _, err := hello.PresignGet(ctx, time.Minute); err != nil {
		return err // nothing: the bucket is public, but there is no option to show with that
	}
	sdk := root.Client().S3().Options()
	keys, err := sdk.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"),
		"https://s3."+sdk.Region+".amazonaws.com")
	dir, err := os.MkdirTemp("", "s3path-tour-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "credentials")
	profile := fmt.Sprintf("[tour]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n",
		keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
	if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
		return err
	}

	// with is a client of one option, in an environment that differs so.
	with := func(p s3path.S3Path, use func(s3path.S3Path) (any, error), env map[string]string, opts ...s3path.ClientOption) func() (any, error) {
		return func() (any, error) {
			defer set(env)()
			c, err := s3path.NewClient(ctx, opts...)
			if err != nil {
				return nil, err
			}
			defer c.Close()
			return use(p.WithClient(c))
		}
	}
	read := func(p s3path.S3Path) (any, error) { return p.ReadText(ctx) }
	readIfPublic := func(p s3path.S3Path) (any, error) {
		text, err := p.ReadText(ctx)
		if errors.Is(err, fs.ErrPermission) {
			return "refused: the bucket is not public", nil
		}
		return text, err
	}
	unsigned := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
	profiled := maps.Clone(unsigned)
	profiled["AWS_SHARED_CREDENTIALS_FILE"] = file
	elsewhere := map[string]string{"AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
	byHand := func(name string, _ []byte) (contentType, contentEncoding string) {
		return "application/x-" + strings.TrimPrefix(filepath.Ext(name), "."), ""
	}

	return walk("Clients, each with one option, and what it reads or writes", []step{
		{`s3path.NewClient(ctx)`, with(hello, read, nil)},
		{`s3path.WithAnonymous()`, with(hello, readIfPublic, nil, s3path.WithAnonymous())},
		{`s3path.WithProfile("tour")`, with(hello, read, profiled, s3path.WithProfile("tour"))},
		{`s3path.WithStaticCredentials(id, secret, token)`, with(hello, read,
			unsigned, s3path.WithStaticCredentials(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken))},
		{`s3path.WithEndpoint(url), before the environment's`, with(hello, read,
			elsewhere, s3path.WithEndpoint(endpoint))},
		{`AWS_ENDPOINT_URL=url, and no option`, with(hello, read,
			map[string]string{"AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": endpoint})},
		{`s3path.WithS3Client(s3.New(options))`, with(hello, read, nil, s3path.WithS3Client(s3.New(s3.Options{
			Region: sdk.Region, BaseEndpoint: &endpoint, UsePathStyle: true, Credentials: sdk.Credentials,
		})))},
		{`s3path.WithCacheDir(dir)`, with(hello, func(p s3path.S3Path) (any, error) {
			text, err := p.ReadText(ctx)
			return fmt.Sprintf("%s, and %d copy on disk", text, p.Client().Cache().Stats().Files), err
		}, nil, s3path.WithCacheDir(filepath.Join(dir, "cache")))},
		{`s3path.WithPartSize(5 << 20)`, with(root.Join("large.bin"), func(large s3path.S3Path) (any, error) {
			var info s3path.Info
			err := large.WriteBytes(ctx, make([]byte, 12*mebi), s3path.WithInfo(&info), s3path.WithContentType("text/x-large"),
				s3path.WithCacheControl("no-cache"), s3path.WithMetadata(map[string]string{"made-by": "tour"}),
				s3path.WithTags(map[string]string{"size": "large"}))
			_, parts, _ := strings.Cut(info.ETag(), "-")
			return "12 MiB in " + parts + " parts", err
		}, nil, s3path.WithPartSize(5*mebi))},
		{`s3path.WithContentTypeFunc(fn)`, with(root.Join("a.tour"), func(p s3path.S3Path) (any, error) {
			var info s3path.Info
			err := p.WriteText(ctx, "of a type of its own", s3path.WithInfo(&info))
			return info.ContentType(), err
		}, nil, s3path.WithContentTypeFunc(byHand))},
	})
}

// set changes environment variables, "" removing one. The function that it returns
// changes them back.
func set(env map[string]string) (back func()) {
	before := map[string]string{}
	for name, value := range env {
		before[name] = os.Getenv(name)
		if value == "" {
			os.Unsetenv(name)
			continue
		}
		os.Setenv(name, value)
	}
	return func() { set(before) }
}
