package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// config is the settings of a connector.
type config struct {
	AccessKeyID     string   `json:"access_key_id"`
	SecretAccessKey string   `json:"secret_access_key"`
	Bucket          string   `json:"bucket"`
	Endpoint        string   `json:"endpoint"` // host:port; AWS without it
	UseSSL          bool     `json:"use_ssl"`  // true unless told
	Region          string   `json:"region"`
	Prefix          string   `json:"prefix"`        // of keys, need not end in "/"
	Extensions      []string `json:"extensions"`    // all without them
	SyncInterval    string   `json:"sync_interval"` // "5m" unless told

	environment bool // credentials, endpoint and region are the environment's
	interval    time.Duration
}

// load reads a configuration file, or makes one of an s3:// path.
func load(from string) (cfg config, err error) {
	cfg = config{UseSSL: true, SyncInterval: "5m"}
	if strings.HasPrefix(from, "s3://") {
		root, err := s3path.Parse(from)
		if err != nil {
			return cfg, err
		}
		cfg.Bucket, cfg.Prefix, cfg.environment = root.Bucket(), root.Key(), true
		return cfg, cfg.check()
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return cfg, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields() // a misspelt setting would be a missing one
	if err := decoder.Decode(&cfg); err != nil {
		return cfg, fmt.Errorf("%s: %w", from, err)
	}
	if err := cfg.check(); err != nil {
		return cfg, fmt.Errorf("%s: %w", from, err)
	}
	return cfg, nil
}

func (c *config) check() (err error) {
	for _, setting := range []struct {
		name, value string
		free        bool
	}{
		{"access_key_id", c.AccessKeyID, c.environment},
		{"secret_access_key", c.SecretAccessKey, c.environment},
		{"bucket", c.Bucket, false},
	} {
		if setting.value == "" && !setting.free {
			return fmt.Errorf("the setting %q is missing", setting.name)
		}
	}
	if strings.Contains(c.Endpoint, "/") {
		return fmt.Errorf("endpoint is %q; want host:port, and use_ssl says whether it is https", c.Endpoint)
	}
	if c.interval, err = time.ParseDuration(c.SyncInterval); err == nil && c.interval <= 0 {
		err = errors.New("it has to be positive")
	}
	if err != nil {
		return fmt.Errorf("sync_interval is %q; want such as \"5m\": %w", c.SyncInterval, err)
	}
	return nil
}

// open is a client by these settings.
func (c *config) open(ctx context.Context) (*s3path.Client, error) {
	if c.environment {
		return s3path.NewClient(ctx)
	}
	scheme := "https://"
	if !c.UseSSL {
		scheme = "http://"
	}
	opts := []s3path.ClientOption{
		s3path.WithStaticCredentials(c.AccessKeyID, c.SecretAccessKey, ""),
		s3path.WithRegion(cmp.Or(c.Region, "us-east-1")), // another one is found by the bucket's answer
	}
	if c.Endpoint != "" {
		opts = append(opts, s3path.WithEndpoint(scheme+c.Endpoint))
	}
	return s3path.NewClient(ctx, opts...)
}
