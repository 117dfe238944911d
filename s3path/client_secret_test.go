package s3path_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// What must never show.
const (
	secretKey    = "CANARYsecretaccesskey"
	sessionToken = "CANARYsessiontoken"
	password     = "CANARYpassword"
)

var customerKey = []byte("CANARYcustomerkey0123456789ABCDE")

func canaries() []string {
	return []string{"CANARY", "Q0FOQVJZ", "X-Amz-Signature=", "Signature=", "AWS4-HMAC-SHA256"} // also in base64, and any signature
}

// shows lists all the ways in which a value gets into logs.
func shows(v any) map[string]string {
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%p"} {
		all[verb] = fmt.Sprintf(verb, v)
	}
	encoded, err := json.Marshal(v)
	all["json"] = fmt.Sprint(string(encoded), err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
	all["slog"] = log.String()
	return all
}

func givesNothingAway(t *testing.T, what string, v any) {
	t.Helper()
	for how, shown := range shows(v) {
		for _, canary := range canaries() {
			if strings.Contains(shown, canary) || strings.Contains(shown, fmt.Sprintf("%x", canary)) || strings.Contains(shown, fmt.Sprintf("%X", canary)) {
				t.Errorf("%s, printed with %s, shows %s: %.300s", what, how, canary, shown)
			}
		}
	}
}

func TestCanariesAreSeen(t *testing.T) {
	seen := 0
	for _, shown := range shows(&struct{ Key string }{secretKey}) {
		if strings.Contains(shown, "CANARY") || strings.Contains(shown, fmt.Sprintf("%x", "CANARY")) || strings.Contains(shown, fmt.Sprintf("%X", "CANARY")) {
			seen++
		}
	}
	if seen < 8 {
		t.Errorf("a secret in the open is seen %d times", seen)
	}
}

// A client, its options, paths, entries and results can be printed in any way.
func TestSecretsOfValues(t *testing.T) {
	l := listen(t, object)
	options := map[string]any{
		"WithStaticCredentials":    s3path.WithStaticCredentials("id", secretKey, sessionToken),
		"WithSSECustomerKey":       s3path.WithSSECustomerKey(customerKey),
		"WithSourceSSECustomerKey": s3path.WithSourceSSECustomerKey(customerKey),
		"WithAWSConfig":            s3path.WithAWSConfig(aws.Config{Credentials: credentials.NewStaticCredentialsProvider("id", secretKey, sessionToken)}),
		"WithReadDefaults":         s3path.WithReadDefaults(s3path.WithSSECustomerKey(customerKey)),
		"WithEndpoint":             s3path.WithEndpoint("http://user:" + password + "@host"),
	}
	for name, o := range options {
		givesNothingAway(t, name, o)
	}
	for name, opt := range map[string]s3path.ClientOption{
		"static keys":       s3path.WithStaticCredentials("id", secretKey, sessionToken),
		"own configuration": s3path.WithAWSConfig(aws.Config{Credentials: credentials.NewStaticCredentialsProvider("id", secretKey, sessionToken)}),
	} {
		c := openClient(t, s3path.WithEndpoint(l.URL), opt, s3path.WithReadDefaults(s3path.WithSSECustomerKey(customerKey)))
		givesNothingAway(t, name+": client", c)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			if got := fmt.Sprintf(verb, c); got != c.String() {
				t.Errorf("%s: %s prints %s", name, verb, got)
			}
		}
		p := c.Object("bucket", "key")
		givesNothingAway(t, name+": path", p)
		givesNothingAway(t, name+": pointer to a path", &p)
		givesNothingAway(t, name+": a struct with both", struct {
			C *s3path.Client
			P s3path.S3Path
		}{c, p})
	}

	c := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("id", secretKey, sessionToken))
	p := c.Object("bucket", "key")
	info, err := p.Stat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	givesNothingAway(t, "Info", info)
	givesNothingAway(t, "Info.Sys", info.Sys())
	r, err := p.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	givesNothingAway(t, "Reader", r)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	w, err := p.Create(t.Context(), s3path.WithContentType("text/plain"))
	if err != nil {
		t.Fatal(err)
	}
	givesNothingAway(t, "Writer", w)
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	put, err := p.PresignPut(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if shown := fmt.Sprintf(verb, put); strings.Contains(shown, "Signature=") || strings.Contains(shown, "CANARY") {
			t.Errorf("PresignedRequest, printed with %s, shows its signature", verb)
		}
	}
}

// An SDK client of the caller's own may have a password in its endpoint, a path a
// bucket that was none.
func TestSecretsOfOthers(t *testing.T) {
	c := openClient(t, s3path.WithS3Client(s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://user:" + password + "@127.0.0.1:1"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", secretKey, ""),
	})))
	if got := c.String(); got != "s3path.Client(http://127.0.0.1:1, us-east-1)" {
		t.Error(got)
	}
	p := c.Object("bucket", "key")
	givesNothingAway(t, "URL", p.URL())
	_, unreachable := p.Stat(t.Context())
	_, elsewhere := c.PathFromURL("https://example.com/bucket/key")
	odd := c.Object("user:"+password+"@host", "key")
	for what, err := range map[string]error{
		"unreachable": unreachable, "another endpoint": elsewhere,
		"a bad pattern": last(odd.Glob(t.Context(), "[")), "no bucket": last(odd.Glob(t.Context(), "*")),
	} {
		if err == nil {
			t.Errorf("%s is no error", what)
		}
		givesNothingAway(t, what, err)
	}
}

// No error gives a secret away, whatever fails and however it is printed.
func TestSecretsInErrors(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { // refuses, and says what it was sent
		var sent bytes.Buffer
		if err := r.Header.Write(&sent); err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Amz-Request-Id", r.Header.Get("X-Amz-Security-Token"))
		refuse(w, r, 403, r.Header.Get("Authorization"), html.EscapeString(sent.String()))
	}
	garbage := func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "<html>")
	}
	servers := map[string]http.HandlerFunc{
		"refused": echo, "moved": refuseAll(301, "PermanentRedirect", ""), "busy": refuseAll(503, "SlowDown", ""), "cut": cut,
		"garbage": garbage, "redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://user:"+password+"@elsewhere.invalid/?X-Amz-Signature="+sessionToken, http.StatusFound)
		},
		"missing": refuseAll(404, "NoSuchKey", ""), "halfway": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = fmt.Fprint(w, "x")
			panic(http.ErrAbortHandler)
		},
	}
	for name, handler := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing(t, listen(t, handler).URL)
		})
		t.Run(name+", with a customer's key", func(t *testing.T) { // which goes over https alone
			t.Parallel()
			w := &wire{answer: handler}
			failing(t, "https://s3.test", s3path.WithHTTPClient(w.client()))
			if !slices.ContainsFunc(w.requests(), func(r *http.Request) bool {
				return r.Header.Get("X-Amz-Server-Side-Encryption-Customer-Key") != ""
			}) {
				t.Error("no request carried the key")
			}
		})
	}
	t.Run("unreachable", func(t *testing.T) { failing(t, "http://127.0.0.1:1") })
	t.Run("no such host", func(t *testing.T) { failing(t, "http://nowhere.invalid") })
	t.Run("not http", func(t *testing.T) { failing(t, strings.Replace(listen(t, object).URL, "http:", "https:", 1)) })
}

// failing has every verb fail and looks at the errors.
func failing(t *testing.T, endpoint string, opts ...s3path.ClientOption) {
	t.Helper()
	ctx := t.Context()
	c := openClient(t, append(opts, s3path.WithEndpoint(endpoint), s3path.WithStaticCredentials("id", secretKey, sessionToken),
		s3path.WithMaxAttempts(1), s3path.WithPartSize(5<<20))...)
	p := c.Object("bucket", "key")
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	_, err := p.Stat(ctx)
	note(err)
	_, err = p.ReadBytes(ctx)
	note(err)
	_, err = p.ReadRange(ctx, 1, 2)
	note(err)
	_, err = p.Stat(ctx, s3path.WithSSECustomerKey(customerKey))
	note(err)
	_, err = p.Stat(ctx, s3path.WithSSECustomerKey(append(customerKey, 'x')))
	note(err)
	note(p.WriteText(ctx, "x"))
	note(p.WriteText(ctx, "x", s3path.WithSSECustomerKey(customerKey)))
	note(p.WriteBytes(ctx, make([]byte, 6<<20)))
	note(p.Copy(ctx, c.Object("bucket", "other")))
	note(p.Copy(ctx, c.Object("bucket", "other"), s3path.WithSourceSSECustomerKey(customerKey)))
	note(p.Rename(ctx, c.Object("bucket", "other")))
	note(p.Remove(ctx))
	note(p.RemoveAll(ctx))
	note(p.Touch(ctx))
	note(p.Mkdir(ctx))
	note(p.SetTags(ctx, map[string]string{"a": "b"}))
	note(p.DownloadTo(ctx, t.TempDir()+"/"))
	note(p.UploadFrom(ctx, t.TempDir()+"/missing"))
	note(p.Update(ctx, func([]byte) ([]byte, error) { return nil, errors.New("enough") }))
	for _, err := range p.Parent().Walk(ctx) {
		note(err)
	}
	for _, err := range c.Buckets(ctx) {
		note(err)
	}
	_, err = p.PresignGet(ctx, -time.Second)
	note(err)
	_, err = c.AbortStale(ctx, p, 0)
	note(err)
	failed := 0
	for i, err := range errs {
		if err == nil {
			continue
		}
		failed++
		givesNothingAway(t, fmt.Sprintf("error %d (%v)", i, err), err)
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			if strings.Contains(inner.Error(), "CANARY") {
				t.Errorf("error %d has a secret inside: %v", i, inner)
			}
		}
	}
	if failed < 15 {
		t.Errorf("only %d of %d calls failed", failed, len(errs))
	}
}
