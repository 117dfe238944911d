package s3server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	sigAlgorithm = "AWS4-HMAC-SHA256"
	sigTime      = "20060102T150405Z"
	maxSkew      = 15 * time.Minute
	maxExpiry    = 7 * 24 * time.Hour
	emptyHash    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// signature is a checked signature, from which those of the chunks of a body follow.
type signature struct {
	key   []byte // nil when no signature was demanded
	time  string
	scope string
	value string
}

// next is the signature that follows on the last one. It becomes the last one.
func (s *signature) next(kind, content string) string {
	s.value = hex.EncodeToString(mac(s.key, strings.Join([]string{kind, s.time, s.scope, s.value, content}, "\n")))
	return s.value
}

// signed is what a request says about its signature, in the header or in the query.
type signed struct {
	presigned bool
	accessKey string
	date      string
	region    string
	service   string
	headers   []string
	signature string
	time      string
	expires   time.Duration
}

// authenticate refuses a request that is not signed as WithCredentials demands, and
// without it one that was signed in advance and whose time is over.
func (s *Server) authenticate(rq *request) error {
	if s.accessKey == "" {
		if !rq.has("X-Amz-Signature") {
			return nil
		}
		sig, err := parsePresigned(rq)
		if err != nil {
			return err
		}
		return s.checkTime(sig)
	}
	var (
		sig signed
		err error
	)
	authorization := rq.Header.Get("Authorization")
	switch {
	case authorization != "":
		sig, err = parseAuthorization(rq, authorization)
	case rq.has("X-Amz-Algorithm"), rq.has("X-Amz-Signature"):
		sig, err = parsePresigned(rq)
	default:
		if !s.on(AnonymousRefused) {
			return nil
		}
		err = fail("AccessDenied", "Access Denied")
	}
	if err != nil {
		return err
	}
	if err := s.checkScope(sig); err != nil {
		return err
	}
	if sig.accessKey != s.accessKey && s.on(SignatureCheck) {
		return fail("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.").
			with("AWSAccessKeyId", sig.accessKey)
	}
	if err := s.checkTime(sig); err != nil {
		return err
	}
	if err := checkSigned(rq, sig); err != nil {
		return err
	}
	scope := strings.Join([]string{sig.date, sig.region, sig.service, "aws4_request"}, "/")
	key := mac(mac(mac(mac([]byte("AWS4"+s.secretKey), sig.date), sig.region), sig.service), "aws4_request")
	canonical := sha256.Sum256([]byte(canonicalRequest(rq, sig)))
	want := hex.EncodeToString(mac(key, strings.Join([]string{sigAlgorithm, sig.time, scope, hex.EncodeToString(canonical[:])}, "\n")))
	if !hmac.Equal([]byte(want), []byte(sig.signature)) && s.on(SignatureCheck) {
		return signatureMismatch()
	}
	rq.signature = signature{key: key, time: sig.time, scope: scope, value: sig.signature}
	return nil
}

func signatureMismatch() *apiError {
	return fail("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}

func parseAuthorization(rq *request, authorization string) (signed, error) {
	malformed := func(why string) (signed, error) {
		return signed{}, fail("AuthorizationHeaderMalformed", "The authorization header is malformed; %s.", why)
	}
	rest, ok := strings.CutPrefix(authorization, sigAlgorithm)
	if !ok {
		return signed{}, fail("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	fields := make(map[string]string)
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	sig := signed{
		signature: fields["Signature"],
		headers:   strings.Split(fields["SignedHeaders"], ";"),
		time:      rq.Header.Get("X-Amz-Date"),
	}
	if sig.time == "" {
		if t, err := http.ParseTime(rq.Header.Get("Date")); err == nil {
			sig.time = t.UTC().Format(sigTime)
		}
	}
	if !sig.credential(fields["Credential"]) {
		return malformed("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"")
	}
	if sig.signature == "" || fields["SignedHeaders"] == "" {
		return malformed("it needs SignedHeaders and Signature")
	}
	if rq.Header.Get("X-Amz-Content-Sha256") == "" {
		return signed{}, fail("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	}
	return sig, nil
}

func parsePresigned(rq *request) (signed, error) {
	malformed := func(why string) (signed, error) {
		return signed{}, fail("AuthorizationQueryParametersError", "%s", why)
	}
	q := rq.query
	if q.Get("X-Amz-Algorithm") != sigAlgorithm {
		return malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
	}
	sig := signed{
		presigned: true,
		signature: q.Get("X-Amz-Signature"),
		headers:   strings.Split(q.Get("X-Amz-SignedHeaders"), ";"),
		time:      q.Get("X-Amz-Date"),
	}
	if !sig.credential(q.Get("X-Amz-Credential")) {
		return malformed("Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
	}
	if sig.signature == "" || q.Get("X-Amz-SignedHeaders") == "" {
		return malformed("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	seconds, err := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 32)
	sig.expires = time.Duration(seconds) * time.Second
	switch {
	case err != nil:
		return malformed("X-Amz-Expires should be a number")
	case seconds < 0:
		return malformed("X-Amz-Expires must be non-negative")
	case sig.expires > maxExpiry:
		return malformed("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return sig, nil
}

// credential takes apart "key/date/region/service/aws4_request". The key may hold slashes.
func (sig *signed) credential(text string) bool {
	parts := strings.Split(text, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != "aws4_request" {
		return false
	}
	sig.accessKey = strings.Join(parts[:n-4], "/")
	sig.date, sig.region, sig.service = parts[n-4], parts[n-3], parts[n-2]
	return true
}

// checkScope compares the region and the service a signature is made for.
func (s *Server) checkScope(sig signed) error {
	code, message := "AuthorizationHeaderMalformed", "The authorization header is malformed; "
	if sig.presigned {
		code, message = "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; "
	}
	if sig.region != s.region && s.on(RegionCheck) {
		return fail(code, "%sthe region '%s' is wrong; expecting '%s'", message, sig.region, s.region).
			with("Region", s.region).set("X-Amz-Bucket-Region", s.region)
	}
	if sig.service != "s3" {
		return fail(code, "%sincorrect service %q. This endpoint belongs to \"s3\".", message, sig.service)
	}
	return nil
}

// checkTime refuses signatures of another time than now.
func (s *Server) checkTime(sig signed) error {
	at, err := time.Parse(sigTime, sig.time)
	if err != nil {
		return fail("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
	}
	now := time.Now()
	if !strings.HasPrefix(sig.time, sig.date) {
		return signatureMismatch()
	}
	if sig.presigned {
		switch {
		case now.Before(at.Add(-maxSkew)):
			return fail("AccessDenied", "Request is not yet valid")
		case now.After(at.Add(sig.expires)) && s.on(PresignExpiry):
			return fail("AccessDenied", "Request has expired").
				with("X-Amz-Expires", strconv.Itoa(int(sig.expires/time.Second))).
				with("Expires", at.Add(sig.expires).Format(time.RFC3339)).
				with("ServerTime", now.UTC().Format(time.RFC3339))
		}
		return nil
	}
	if now.Sub(at).Abs() > maxSkew {
		return fail("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.").
			with("RequestTime", sig.time).with("ServerTime", now.UTC().Format(time.RFC3339)).
			with("MaxAllowedSkewMilliseconds", strconv.FormatInt(maxSkew.Milliseconds(), 10))
	}
	return nil
}

// checkSigned demands that a signature covers the host and every x-amz- header.
func checkSigned(rq *request, sig signed) error {
	var missing []string
	if !slices.Contains(sig.headers, "host") {
		missing = append(missing, "host")
	}
	for name := range rq.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(sig.headers, name) &&
			!(sig.presigned && name == "x-amz-content-sha256") {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fail("AccessDenied", "There were headers present in the request which were not signed").
			with("HeadersNotSigned", strings.Join(missing, ", "))
	}
	return nil
}

func canonicalRequest(rq *request, sig signed) string {
	var b strings.Builder
	b.WriteString(rq.Method + "\n" + uriEncode(rq.URL.Path, true) + "\n")
	b.WriteString(canonicalQuery(rq, sig.presigned) + "\n")
	for _, name := range sig.headers {
		b.WriteString(name + ":" + signedValue(rq, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(sig.headers, ";") + "\n")
	switch content := rq.Header.Get("X-Amz-Content-Sha256"); {
	case content != "":
		b.WriteString(content)
	case rq.has("X-Amz-Content-Sha256"):
		b.WriteString(rq.query.Get("X-Amz-Content-Sha256"))
	default:
		b.WriteString("UNSIGNED-PAYLOAD")
	}
	return b.String()
}

func canonicalQuery(rq *request, presigned bool) string {
	var pairs []string
	for name, values := range rq.query {
		if presigned && name == "X-Amz-Signature" {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, uriEncode(name, false)+"="+uriEncode(value, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// signedValue is a header as it is signed: net/http keeps some of them elsewhere.
func signedValue(rq *request, name string) string {
	switch name {
	case "host":
		return rq.Host
	case "content-length":
		return strconv.FormatInt(rq.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(rq.TransferEncoding, ",")
	}
	values := rq.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

// uriEncode escapes everything but unreserved characters.
func uriEncode(s string, path bool) string {
	escaped := strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	if path {
		escaped = strings.ReplaceAll(escaped, "%2F", "/")
	}
	return escaped
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
