package connectors

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSConfig is how a database that host names is known over TCP, by the modes of
// libpq in Endpoint.TLS; nil is without TLS, which only disable, said aloud, is. A
// chain that does not verify fails as *tls.CertificateVerificationError.
func TLSConfig(e Endpoint, host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if e.TLSRootCA != "" {
		pem, err := os.ReadFile(e.TLSRootCA)
		if err != nil {
			return nil, fmt.Errorf("read TLS root certificate: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("TLS root certificate %q holds no certificate in PEM form", e.TLSRootCA)
		}
	}
	switch e.TLS {
	case "disable":
		return nil, nil
	case "", "verify-full":
		return c, nil
	case "require", "verify-ca":
		c.InsecureSkipVerify = true // the name is not compared; the chain is, below
		if e.TLS == "verify-ca" || e.TLSRootCA != "" {
			c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(c.RootCAs, s) }
		}
		return c, nil
	}
	return nil, fmt.Errorf("TLS mode %q is not one of disable, require, verify-ca, verify-full", e.TLS)
}

func verifyChain(roots *x509.CertPool, s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return &tls.CertificateVerificationError{Err: errors.New("the target showed no certificate")}
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := s.PeerCertificates[0].Verify(o); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}
