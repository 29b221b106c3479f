// Package kubetest answers: where does a real Kubernetes API server for tests come
// from?
//
// It builds etcd, kube-apiserver and a small kubelet of our own (testdata/kube, a
// module of its own) into a cache outside the tree, once, and runs them on
// loopback for as long as this process lives. "Containers" are processes of this
// machine. It imports nothing of Sallyport.
package kubetest
