package kubetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Namespace is there from the start, besides default.
const Namespace = "shop"

// People of the cluster, by name. Their tokens are random.
const (
	Admin   = "admin"   // of system:masters
	Dev     = "dev"     // may read and exec in Namespace, except Secrets
	Gateway = "gateway" // may impersonate anybody and nothing else
)

// Server is a running cluster. Its methods are safe for concurrent use.
type Server struct {
	dir    string
	port   int
	ca     *authority
	tokens map[string]string
	client *http.Client

	mu        sync.Mutex
	processes []*process
	stop      sync.Once
}

// Start builds what is missing, starts a cluster, and returns when its API answers
// and its node is there. ctx bounds the start alone; building takes minutes where
// nothing is cached. The caller calls Stop; the servers end with this process, too.
func Start(ctx context.Context) (*Server, error) {
	p, err := build(ctx)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ { // a port that was free may be taken by now
		s, err := start(ctx, p)
		if err == nil || try == 3 || ctx.Err() != nil {
			return s, err
		}
	}
}

func start(ctx context.Context, p programs) (*Server, error) {
	dir, err := os.MkdirTemp("", "kubetest-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the cluster: %w", err)
	}
	s := &Server{dir: dir, tokens: map[string]string{Admin: rand.Text(), Dev: rand.Text(), Gateway: rand.Text()}}
	if err := s.start(ctx, p); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, p programs) error {
	if err := s.files(); err != nil {
		return err
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	s.port = ports[0]
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: s.ca.trust(), MaxIdleConnsPerHost: 8}}
	etcd, peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1]), fmt.Sprintf("http://127.0.0.1:%d", ports[2])
	if err := s.run(p.etcd, "--data-dir", s.path("etcd"), "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer, "--unsafe-no-fsync"); err != nil {
		return err
	}
	if err := s.run(p.apiserver, s.apiserver(etcd)...); err != nil {
		return err
	}
	if err := s.until(ctx, "the API server", func() bool { return s.get(ctx, "/readyz") }); err != nil {
		return err
	}
	if err := s.populate(ctx); err != nil {
		return err
	}
	c, err := json.Marshal(map[string]string{"Kubeconfig": s.path("admin.kubeconfig"), "Cert": s.path("kubelet.crt"), "Key": s.path("kubelet.key"),
		"ClientCA": s.path("ca.crt"), "Node": "node-1", "Dir": s.path("containers")})
	if err != nil {
		return fmt.Errorf("write the kubelet's configuration: %w", err)
	}
	if err := s.run(p.kubelet, string(c)); err != nil {
		return err
	}
	return s.until(ctx, "the kubelet", func() bool {
		body, code, err := s.Do(ctx, "GET", "/api/v1/nodes/node-1", "", nil)
		return err == nil && code == http.StatusOK && bytes.Contains(body, []byte(`"kubeletEndpoint":{"Port":`)) && !bytes.Contains(body, []byte(`"Port":0`))
	})
}

// apiserver is its command line: no admission that would need a controller, a
// record of every request, and the requests' end before what they did.
func (s *Server) apiserver(etcd string) []string {
	return []string{"--etcd-servers=" + etcd, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", s.port), "--cert-dir=" + s.path("certs"),
		"--tls-cert-file=" + s.path("apiserver.crt"), "--tls-private-key-file=" + s.path("apiserver.key"), "--client-ca-file=" + s.path("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + s.path("sa.key"), "--service-account-signing-key-file=" + s.path("sa.key"),
		"--token-auth-file=" + s.path("tokens.csv"), "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
		"--kubelet-preferred-address-types=InternalIP", "--kubelet-client-certificate=" + s.path("client.crt"), "--kubelet-client-key=" + s.path("client.key"),
		"--audit-policy-file=" + s.path("audit.yaml"), "--audit-log-path=" + s.path("audit.log"), "--audit-log-mode=blocking-strict", "--endpoint-reconciler-type=none"}
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// process is one of the servers.
type process struct {
	*exec.Cmd
	exited chan struct{}
}

// run starts a program whose output goes to a file. The kernel kills it with
// the thread that started it, so that thread does nothing else.
func (s *Server) run(name string, args ...string) error {
	log, err := os.Create(s.path(filepath.Base(name) + ".log"))
	if err != nil {
		return fmt.Errorf("open a log: %w", err)
	}
	p := &process{exec.Command(name, args...), make(chan struct{})}
	p.Stdout, p.Stderr, p.Dir = log, log, s.dir
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		err := p.Start()
		started <- err
		if err == nil {
			_ = p.Wait()
		}
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	s.mu.Lock()
	s.processes = append(s.processes, p)
	s.mu.Unlock()
	return nil
}

var errSlow = errors.New("does not answer")

func (s *Server) until(ctx context.Context, what string, ok func() bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		s.mu.Lock()
		all := s.processes
		s.mu.Unlock()
		for _, p := range all {
			select {
			case <-p.exited:
				return fmt.Errorf("%s has ended: %s", filepath.Base(p.Path), s.lastLines(filepath.Base(p.Path)))
			default:
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s %w: %w", what, errSlow, ctx.Err())
		}
	}
	return nil
}

func (s *Server) lastLines(name string) string {
	b, _ := os.ReadFile(s.path(name + ".log"))
	return string(b[max(0, len(b)-2000):])
}

// Stop kills the servers and removes what they wrote. An API server that is asked
// to end takes more than a minute.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range s.processes {
			_ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
			<-p.exited
		}
		_ = os.RemoveAll(s.dir)
	})
}

// programs are the files that build makes.
type programs struct{ etcd, apiserver, kubelet string }

// build asks the script that knows what is there and builds the rest.
func build(ctx context.Context) (programs, error) {
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "..", "..", "..", "testdata", "kube", "build.sh")
	cmd := exec.CommandContext(ctx, "bash", script)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return programs{}, fmt.Errorf("build the cluster's programs: %w", err)
	}
	files := strings.Fields(string(out))
	if len(files) != 3 {
		return programs{}, fmt.Errorf("build the cluster's programs: %q", out)
	}
	return programs{files[0], files[1], files[2]}, nil
}

func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}
