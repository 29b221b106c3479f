// Command kubelet is a node for tests: it registers itself with a real API server,
// declares every pod that is put on it to be running, and serves what a kubelet
// serves, with processes of this machine in place of containers.
//
// Who may call it is checked: by loopback alone, and with a certificate that the
// tests' own authority has issued to the API server.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// config is what the helper that starts it says, as JSON in the first argument.
type config struct {
	Kubeconfig string // file, for the administrator
	Cert, Key  string // files, for serving
	ClientCA   string // file: who may call
	Node       string
	Dir        string // logs and working folders of "containers"
}

func main() {
	var c config
	if err := json.Unmarshal([]byte(os.Args[1]), &c); err != nil {
		log.Fatal(err)
	}
	if err := run(context.Background(), c); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, c config) error {
	rest, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return err
	}
	cs, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return err
	}
	callers := x509.NewCertPool()
	if !callers.AppendCertsFromPEM(pem) {
		return errors.New("no certificate in the file of the client authority")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n := &node{dir: c.Dir, name: c.Node, cs: cs}
	if err := n.register(ctx, l.Addr().(*net.TCPAddr).Port); err != nil {
		return err
	}
	go n.watch(ctx)
	// HTTP/1.1 alone: an upgrade needs it.
	s := &http.Server{Handler: n.handler(), TLSConfig: &tls.Config{NextProtos: []string{"http/1.1"}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: callers},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, ConnContext: untilGone}
	return s.ServeTLS(listener{l}, c.Cert, c.Key)
}

// listener and conn tell when the peer of an upgraded connection is gone, which
// net/http does not: what runs for it ends then.
type (
	listener struct{ net.Listener }
	conn     struct {
		net.Conn
		gone context.CancelFunc
	}
)

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{c, func() {}}, nil
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.gone()
	}
	return n, err
}

func untilGone(ctx context.Context, c net.Conn) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	c.(*tls.Conn).NetConn().(*conn).gone = cancel
	return ctx
}

// node is the one node there is.
type node struct {
	dir, name string
	cs        *kubernetes.Clientset
}

func (n *node) register(ctx context.Context, port int) error {
	if _, err := n.cs.CoreV1().Nodes().Create(ctx, &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.name}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	now := metav1.Now()
	status, err := json.Marshal(map[string]any{"status": v1.NodeStatus{
		Addresses:       []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: int32(port)}},
		Conditions:      []v1.NodeCondition{{Type: v1.NodeReady, Status: v1.ConditionTrue, Reason: "Test", LastHeartbeatTime: now, LastTransitionTime: now}},
		NodeInfo:        v1.NodeSystemInfo{KubeletVersion: "v1.37.2-test"},
	}})
	if err != nil {
		return err
	}
	_, err = n.cs.CoreV1().Nodes().Patch(ctx, n.name, types.MergePatchType, status, metav1.PatchOptions{}, "status")
	return err
}

// watch brings pods to where they should be, until the API server is gone.
func (n *node) watch(ctx context.Context) {
	for failed := 0; failed < 20; failed++ {
		w, err := n.cs.CoreV1().Pods("").Watch(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.name})
		if err != nil {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		failed = 0
		for e := range w.ResultChan() {
			if p, ok := e.Object.(*v1.Pod); ok && e.Type != "DELETED" {
				if err := n.sync(ctx, p); err != nil {
					log.Print(err)
				}
			}
		}
	}
	log.Fatal("the API server is gone")
}

func (n *node) sync(ctx context.Context, p *v1.Pod) error {
	if p.DeletionTimestamp != nil {
		var now int64
		return n.cs.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.UID}})
	}
	if p.Status.Phase == v1.PodRunning {
		return nil
	}
	now := metav1.Now()
	p.Status = v1.PodStatus{Phase: v1.PodRunning, PodIP: "127.0.0.1", HostIP: "127.0.0.1", StartTime: &now,
		Conditions: []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue, LastTransitionTime: now}}}
	for _, c := range p.Spec.Containers {
		if err := n.start(p, c.Name); err != nil {
			return err
		}
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, v1.ContainerStatus{Name: c.Name, Image: c.Image, Ready: true, ContainerID: "test://" + c.Name,
			State: v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: now}}})
	}
	_, err := n.cs.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{})
	return err
}

// start makes a container's folder, and its log of what the pod's annotation says.
func (n *node) start(p *v1.Pod, container string) error {
	dir := n.container(p.Namespace, p.Name, container)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(dir+"/log", []byte(p.Annotations["kubetest/log"]), 0o600)
}

func (n *node) container(ns, pod, name string) string {
	return fmt.Sprintf("%s/%s_%s_%s", n.dir, ns, pod, name)
}
