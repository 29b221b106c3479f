// Package kubernetes answers: what does a call ask of a cluster?
//
// It judges calls and has no driver yet. A call comes as a request to the API
// server, or as a line of kubectl, which stands for such requests. Either is
// brought into the API's own words: verb, group, resource, subresource,
// namespace, name. The path is read as k8s.io/apiserver's RequestInfo does, with
// the difference that a path which another program could read otherwise (dot
// segments, encodings, empty segments) is dangerous and not guessed at.
//
// What runs code in a workload or opens a channel into it (exec, attach,
// port-forward, proxy, ephemeral containers, a node's kubelet) is dangerous,
// also as a GET; what shows or changes credentials and rights is privilege, also
// as a read. A manifest that is not in the text is opaque, hence dangerous.
package kubernetes
