package config

import (
	"fmt"
	"strings"
)

// Credential is what the resource signs in with at its target, nil for none.
func (r Resource) Credential() *Ref {
	for _, ref := range []*Ref{r.Password, r.PrivateKey, r.Kubeconfig, r.Token, r.ClientCertificate} {
		if ref != nil {
			return ref
		}
	}
	return nil
}

// cluster puts in what decides where a call goes and as whom. Resources of other
// kinds put nothing, so that they are what they were.
func (r Resource) cluster(put func(...string)) {
	if r.Kind != kindKubernetes {
		return
	}
	for _, ref := range []*Ref{r.Kubeconfig, r.Token, r.ClientCertificate} {
		if ref == nil {
			ref = &Ref{}
		}
		put(ref.Env, ref.File)
	}
	put(r.Namespace, fmt.Sprint(r.Impersonate), r.ImpersonatePrefix)
}

func (r *Resource) kubernetes(fs *Faults, path string) {
	r.foreign(fs, path, "kubeconfig", "token", "client_certificate", "tls_root_ca", "namespace", "impersonate", "impersonate_prefix", "forwards")
	r.podPorts(fs, path)
	if r.required(fs, path, "address", r.Address, "an address is needed: host:6443, of the API server; it is always TLS") {
		hostPort(fs, path+".address", r.Address, "6443")
	}
	n := 0
	for _, ref := range []*Ref{r.Kubeconfig, r.Token, r.ClientCertificate} {
		if ref != nil {
			n++
		}
	}
	switch {
	case n > 1:
		fs.add(path, "give one of kubeconfig, token and client_certificate")
	case n == 0 && r.Unavailable == "":
		fs.add(path, "a credential is needed: kubeconfig, token or client_certificate")
	}
	if r.Namespace != "" && (len(r.Namespace) > 63 || strings.Trim(r.Namespace, "abcdefghijklmnopqrstuvwxyz0123456789-") != "") {
		fs.add(path+".namespace", "%q is no namespace", r.Namespace)
	}
	switch {
	case r.Impersonate && r.ImpersonatePrefix == "":
		fs.add(path+".impersonate_prefix", "a prefix is needed: without one, whoever is in a group named system:masters at the provider would be an administrator of the cluster")
	case !r.Impersonate && r.ImpersonatePrefix != "":
		fs.add(path+".impersonate_prefix", "it stands before the names of impersonate, and there is none")
	case strings.HasPrefix(r.ImpersonatePrefix, "system:") || !printable(r.ImpersonatePrefix) || strings.Contains(r.ImpersonatePrefix, " "):
		fs.add(path+".impersonate_prefix", "%q is no prefix: a word such as sallyport:, not the cluster's own system:", r.ImpersonatePrefix)
	}
}

// podPorts checks the patterns of what may be forwarded to: POD.NAMESPACE:PORT, in
// which a * stands for any letters.
func (r *Resource) podPorts(fs *Faults, path string) {
	if len(r.Forwards) > maxForwards {
		fs.add(path+".forwards", "%d are more than %d", len(r.Forwards), maxForwards)
	}
	for i, f := range r.Forwards {
		host, port, ok := strings.Cut(f, ":")
		switch {
		case !ok || !strings.Contains(host, ".") || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-*") != "",
			port == "" || strings.Trim(port, "0123456789*") != "":
			fs.add(fmt.Sprintf("%s.forwards[%d]", path, i), "%q is no pattern of pods' ports: web-*.shop:8080, *.shop:*, or db.shop.svc:5432 of a service", f)
		}
	}
}
