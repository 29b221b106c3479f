// Package kubernetes answers: what does a call ask of a cluster, and how is it sent?
//
// # Judging
//
// A call comes as a request to the API server, or as a line of kubectl, which
// stands for such requests. Either is brought into the API's own words: verb,
// group, resource, subresource, namespace, name. The path is read as
// k8s.io/apiserver's RequestInfo does, with the difference that a path which
// another program could read otherwise (dot segments, encodings, empty segments) is
// dangerous, not guessed at, and not sent.
//
// What runs code in a workload or opens a channel into it (exec, attach,
// port-forward, proxy, ephemeral containers, a node's kubelet) is dangerous,
// also as a GET; what shows or changes credentials and rights is privilege, also
// as a read. A manifest that is not in the text is opaque, hence dangerous.
//
// # Sending
//
// A Conn is a Requester, a Commander, a Forwarder and a Copier. Request sends one request as its text says (send.go).
// Command does what a line of kubectl says, without kubectl: the line is read by the
// parser that judges lines (kubectl.go), an option that would not be followed is an
// error (command.go), and what is left becomes requests, each of them an operation
// of its own that is judged, masked and recorded as the request that it is; the
// answers are then laid out as kubectl would. An apply or create is a request for each
// object. exec and attach are operations whose text is the line of kubectl; their
// streams are the permit's, over WebSocket, or SPDY where a proxy knows no better.
//
// A forward (forward.go) leads to a pod's port: what is declared at the resource and
// allowed by a rule. A service or a workload is asked for first, by requests, and the
// pod that is found is what is judged. Bytes are counted and hashed.
//
// The files of containers (files.go) are read and written by programs that run in them,
// as operations on files below /NAMESPACE/POD/CONTAINER: each is judged by its path as
// it was asked for, before anything is asked of the pod, and a path that turns out
// to lead through a link is refused. SFTP does not say how long a file will be, which
// an archive's header would have to, so that dd writes it, beside the file whose
// place it takes when it is whole. Archives that hold anything but the one file that was
// asked for are refused.
//
// # What never shows
//
// In answers to whatever is about Secrets, or about tokens that are made, every value
// below data, stringData, annotations and token is masked, whoever asks and whatever
// the plans say, in any of the API's forms; only JSON is asked for, and another answer
// is withheld. What a request would put into a Secret is withheld from whoever is to
// approve it and from transcripts (redact.go); a body that cannot be read is withheld
// whole. What a server says outside of the API's own words is told to nobody. A
// Secret's value that a program prints in a pod, or a log holds, is for the detectors
// to find.
//
// # Trust
//
// The API server's certificate is always verified, by the authority of the resource,
// else the kubeconfig's, else the system's. Of a kubeconfig only a token or
// certificate data is used: what would run a program or read a file is refused. No
// redirect is followed, and the environment's proxies are not asked.
//
// # Ends
//
// A request ends with its context, and so does an exec's connection. A program on a
// terminal loses it then; one that neither reads nor writes goes on, as Kubernetes
// has no way to end it.
package kubernetes
