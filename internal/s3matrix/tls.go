package s3matrix

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// kmsKey is the id of the one key of MinIO's built-in KMS.
const kmsKey = "s3matrix-key"

func newKMSSecret() string {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return base64.StdEncoding.EncodeToString(secret)
}

// certificate is a self-signed certificate for 127.0.0.1 and its key. A nil one
// stands for plain http.
type certificate struct {
	pair     tls.Certificate
	parsed   *x509.Certificate
	pem, key []byte
}

func newCertificate() (*certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "s3matrix"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	c := &certificate{
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
	if c.parsed, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	c.pair, err = tls.X509KeyPair(c.pem, c.key)
	return c, err
}

// write puts both where MinIO looks for them.
func (c *certificate) write(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "public.crt"), c.pem, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "private.key"), c.key, 0o600)
}

// config is what a server with this certificate listens with.
func (c *certificate) config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{c.pair}}
}

// roots is what a client of such a server trusts.
func (c *certificate) roots() *x509.CertPool {
	if c == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.parsed)
	return pool
}

func trusting(roots *x509.CertPool) *tls.Config { return &tls.Config{RootCAs: roots} }
