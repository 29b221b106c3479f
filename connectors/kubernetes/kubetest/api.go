package kubetest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Address is host:port of the API server.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// CAFile is the authority's certificate, in PEM.
func (s *Server) CAFile() string { return s.path("ca.crt") }

// Token is a person's.
func (s *Server) Token(user string) string { return s.tokens[user] }

// Certificate is a new client certificate with its key, in PEM.
func (s *Server) Certificate(user string, groups ...string) ([]byte, error) {
	cert, key, err := s.ca.issue(user, groups...)
	return append(cert, key...), err
}

// Kubeconfig is a person's, with everything in it.
func (s *Server) Kubeconfig(user string) []byte {
	b, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": "https://" + s.Address(), "certificate-authority-data": s.ca.pem}}},
		"users":    []any{map[string]any{"name": "u", "user": map[string]any{"token": s.tokens[user]}}},
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c", "user": "u"}}},
	})
	if err != nil {
		panic(err) // maps of strings
	}
	return b
}

func (s *Server) get(ctx context.Context, path string) bool {
	_, code, err := s.Do(ctx, "GET", path, "", nil)
	return err == nil && code == http.StatusOK
}

// Do sends a request as Admin.
func (s *Server) Do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, int, error) {
	r, err := http.NewRequestWithContext(ctx, method, "https://"+s.Address()+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("make a request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens[Admin])
	r.Header.Set("Accept", "application/json")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, 0, fmt.Errorf("ask the API server: %w", err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return b, answer.StatusCode, err
}

// Create makes an object from JSON as Admin, at a collection's path.
func (s *Server) Create(ctx context.Context, path, object string) error {
	b, code, err := s.Do(ctx, "POST", path, "application/json", []byte(object))
	if err != nil {
		return err
	}
	if code/100 != 2 {
		return fmt.Errorf("create at %s: %s", path, b)
	}
	return nil
}

// Pod makes a pod in Namespace on the node and waits until it runs. Each container's log
// begins with the text.
func (s *Server) Pod(ctx context.Context, name, log string, containers ...string) error {
	if len(containers) == 0 {
		containers = []string{"app"}
	}
	var list []any
	for _, c := range containers {
		list = append(list, map[string]any{"name": c, "image": "example/" + c})
	}
	b, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": name, "labels": map[string]string{"app": name}, "annotations": map[string]string{"kubetest/log": log}},
		"spec":     map[string]any{"nodeName": "node-1", "containers": list}})
	if err != nil {
		return fmt.Errorf("write a pod: %w", err)
	}
	path := "/api/v1/namespaces/" + Namespace + "/pods"
	if err := s.Create(ctx, path, string(b)); err != nil {
		return err
	}
	return s.until(ctx, "the pod "+name, func() bool {
		b, _, err := s.Do(ctx, "GET", path+"/"+name, "", nil)
		return err == nil && bytes.Contains(b, []byte(`"phase":"Running"`))
	})
}

// Program gives a container of a pod in Namespace a program of its own, a script, in
// place of the machine's.
func (s *Server) Program(pod, container, name, script string) error {
	dir := filepath.Join(s.Folder(pod, container), "bin")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make a folder for programs: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		return fmt.Errorf("write a program: %w", err)
	}
	return nil
}

// Folder is where the programs of a container begin. A container's paths are this
// machine's.
func (s *Server) Folder(pod, container string) string {
	return filepath.Join(s.path("containers"), Namespace+"_"+pod+"_"+container)
}

// Event is a request as the API server recorded it.
type Event struct {
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	User       struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	} `json:"user"`
	ImpersonatedUser *struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	} `json:"impersonatedUser"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// Audit is every request that somebody else than Admin and the server itself has
// sent so far, in order.
func (s *Server) Audit() ([]Event, error) {
	f, err := os.Open(s.path("audit.log"))
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer f.Close()
	var out []Event
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		if e.User.Username != Admin && !strings.HasPrefix(e.User.Username, "system:") {
			out = append(out, e)
		}
	}
	return out, lines.Err()
}

// populate makes the namespace and says who may do what.
func (s *Server) populate(ctx context.Context) error {
	if err := os.WriteFile(s.path("admin.kubeconfig"), s.Kubeconfig(Admin), 0o600); err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	rbac := "/apis/rbac.authorization.k8s.io/v1/"
	binding := `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"%s","metadata":{"name":"%s"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"%s","name":"%s"},"subjects":[%s]}`
	for _, o := range [][2]string{
		{"/api/v1/namespaces", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"` + Namespace + `"}}`},
		{rbac + "namespaces/" + Namespace + "/roles", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"developers"},"rules":[
			{"apiGroups":[""],"resources":["pods","pods/log","configmaps","events","services"],"verbs":["get","list","watch"]},
			{"apiGroups":["apps"],"resources":["deployments"],"verbs":["get","list","watch"]},
			{"apiGroups":[""],"resources":["pods/exec","pods/attach"],"verbs":["create","get"]}]}`},
		{rbac + "namespaces/" + Namespace + "/rolebindings", fmt.Sprintf(binding, "RoleBinding", "developers", "Role", "developers", `{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"developers"}`)},
		{rbac + "clusterroles", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"impersonator"},"rules":[{"apiGroups":[""],"resources":["users","groups"],"verbs":["impersonate"]}]}`},
		{rbac + "clusterrolebindings", fmt.Sprintf(binding, "ClusterRoleBinding", "impersonator", "ClusterRole", "impersonator", `{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"`+Gateway+`"}`)},
	} {
		if err := s.Create(ctx, o[0], o[1]); err != nil {
			return err
		}
	}
	return nil
}

// LogFile is the file of a container's log, for a pod of Namespace.
func (s *Server) LogFile(pod, container string) string {
	return filepath.Join(s.path("containers"), Namespace+"_"+pod+"_"+container, "log")
}

// ExpiredToken is a service account's of Namespace that was good until a minute ago,
// signed by the cluster's own key.
func (s *Server) ExpiredToken(account string) (string, error) {
	b, err := os.ReadFile(s.path("sa.key"))
	if err != nil {
		return "", fmt.Errorf("read the signing key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return "", errors.New("the signing key is no PEM")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("read the signing key: %w", err)
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{"iss": "https://kubernetes.default.svc", "aud": []string{"https://kubernetes.default.svc"},
		"sub": "system:serviceaccount:" + Namespace + ":" + account, "iat": now.Add(-time.Hour).Unix(), "nbf": now.Add(-time.Hour).Unix(), "exp": now.Add(-time.Minute).Unix(),
		"kubernetes.io": map[string]any{"namespace": Namespace, "serviceaccount": map[string]string{"name": account, "uid": "x"}}})
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(`{"alg":"ES256"}`)) + "." + enc(claims)
	sum := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return text + "." + enc(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)), nil
}
