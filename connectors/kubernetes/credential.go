package kubernetes

import (
	"bytes"
	"fmt"
	"net"
	nethttp "net/http"
	"net/url"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// restConfig is the way to the API server and the credential for it.
func restConfig(e connectors.Endpoint, secret mask.Secret) (*rest.Config, error) {
	cfg := &rest.Config{Host: "https://" + e.Address, UserAgent: "sallyport", Timeout: 0, Dial: e.Dial,
		// The environment of the bastion says nothing about targets.
		Proxy: func(*nethttp.Request) (*url.URL, error) { return nil, nil }}
	if _, _, err := net.SplitHostPort(e.Address); err != nil {
		return nil, fmt.Errorf("%w: the address is no host:port", connectors.ErrUnreachable)
	}
	if e.TLSRootCA != "" {
		b, err := os.ReadFile(e.TLSRootCA)
		if err != nil {
			return nil, fmt.Errorf("%w: the file of its authority cannot be read: %w", connectors.ErrHostKey, err)
		}
		cfg.CAData = b
	}
	if err := sign(cfg, secret.Reveal()); err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrCredential, err)
	}
	if e.Impersonate != nil {
		cfg.Impersonate = rest.ImpersonationConfig{UserName: e.Impersonate.User, Groups: e.Impersonate.Groups}
	}
	return cfg, nil
}

// sign puts the credential in: PEM is a client certificate with its key, one
// word is a token, and anything else a kubeconfig.
func sign(cfg *rest.Config, b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0:
		return fmt.Errorf("there is none: give the resource a kubeconfig, a token or a client_certificate")
	case bytes.HasPrefix(b, []byte("-----BEGIN")):
		cfg.CertData, cfg.KeyData = bytes.Clone(b), bytes.Clone(b)
		return nil
	case !bytes.ContainsAny(b, " \t\r\n:{"):
		cfg.BearerToken = string(b)
		return nil
	}
	return kubeconfig(cfg, b)
}

// kubeconfig takes the credential and the authority of the current context, if
// they are in the text itself. What runs a program, reads a file or turns
// verification off is refused, and so is where the file says that the server is:
// that is the resource's own to say.
func kubeconfig(cfg *rest.Config, b []byte) error {
	k, err := clientcmd.Load(b)
	if err != nil {
		return fmt.Errorf("the kubeconfig cannot be read") // the parser's own words might quote it
	}
	c, ok := k.Contexts[k.CurrentContext]
	if !ok {
		return fmt.Errorf("the kubeconfig has no current context")
	}
	user, cluster := k.AuthInfos[c.AuthInfo], k.Clusters[c.Cluster]
	if user == nil || cluster == nil {
		return fmt.Errorf("the kubeconfig's current context names a user or a cluster that is not in it")
	}
	if why := beyond(user, cluster); why != "" {
		return fmt.Errorf("the kubeconfig has %s, which is not used here: put a token or certificate data in it", why)
	}
	switch {
	case user.Token != "":
		cfg.BearerToken = user.Token
	case len(user.ClientCertificateData) > 0 && len(user.ClientKeyData) > 0:
		cfg.CertData, cfg.KeyData = user.ClientCertificateData, user.ClientKeyData
	default:
		return fmt.Errorf("the kubeconfig's user has neither a token nor certificate data")
	}
	if len(cfg.CAData) == 0 {
		cfg.CAData = cluster.CertificateAuthorityData
	}
	cfg.ServerName = cluster.TLSServerName
	return nil
}

// beyond names what a kubeconfig asks for besides a credential that it holds.
func beyond(u *api.AuthInfo, c *api.Cluster) string {
	var found []string
	for what, is := range map[string]bool{
		"an exec plug-in": u.Exec != nil, "an auth-provider": u.AuthProvider != nil, "a tokenFile": u.TokenFile != "", "a client-certificate file": u.ClientCertificate != "",
		"a client-key file": u.ClientKey != "", "a user name and password": u.Username != "" || u.Password != "", "impersonation": u.Impersonate != "" || len(u.ImpersonateGroups) > 0,
		"a certificate-authority file": c.CertificateAuthority != "", "insecure-skip-tls-verify": c.InsecureSkipTLSVerify, "a proxy-url": c.ProxyURL != "",
	} {
		if is {
			found = append(found, what)
		}
	}
	return strings.Join(found, " and ")
}
