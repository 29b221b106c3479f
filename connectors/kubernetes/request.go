package kubernetes

import (
	nethttp "net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/policy"
)

// Request judges a request to the API server.
func Request(r *http.Request) policy.Facts {
	j := &judge{class: policy.Read}
	for _, odd := range r.Odd {
		j.raise(policy.Dangerous, odd)
	}
	if len(r.Body) > maxBody {
		j.raise(policy.Unknown, "the body is too long to judge")
		return j.facts(r.Method)
	}
	path, query, _ := strings.Cut(r.Target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		j.raise(policy.Dangerous, "a query that can be read in two ways")
	}
	j.path(r.Method, path)
	j.verbOf(r.Method, values)
	j.headers(r.Header)
	j.judge()
	if len(r.Body) > 0 {
		j.manifest(r.Body)
	}
	// A DELETE with a body takes its options from there, and none from the query.
	dry := len(values["dryRun"]) == 1 && values.Get("dryRun") == "All" && (r.Method != "DELETE" || len(r.Body) == 0)
	if j.call.Verb == "deletecollection" && !dry {
		j.destroys("deletes every " + j.call.Resource + " that matches")
	}
	if dry && tries[j.call.Subresource] {
		j.dry()
	}
	return j.facts(j.call.Verb)
}

// tries are the subresources that know dry runs: those of Kubernetes itself.
var tries = map[string]bool{"": true, "status": true, "scale": true, "eviction": true, "finalize": true, "resize": true}

// maxBody bounds a body that is judged, in bytes: the API server's own bound.
const maxBody = 3 << 20

func (j *judge) headers(h nethttp.Header) {
	for name := range h {
		switch {
		case strings.HasPrefix(name, "Impersonate-"):
			j.raise(policy.Privilege, "acts as somebody else by "+name)
		case strings.HasPrefix(name, "X-Remote-"):
			j.raise(policy.Dangerous, "says by "+name+" who it is")
		case strings.Contains(name, "Method") && strings.HasPrefix(name, "X-"), name == "X-Original-Url", name == "X-Rewrite-Url":
			j.raise(policy.Dangerous, "the header "+name+" replaces what the request says of itself")
		}
	}
	if len(h["Content-Length"]) > 0 && len(h["Transfer-Encoding"]) > 0 || len(h["Content-Length"]) > 1 {
		j.raise(policy.Dangerous, "a length that can be read in two ways")
	}
}

// path finds the resource. What is no path of the API's own is not guessed at.
func (j *judge) path(method, raw string) {
	if !strings.HasPrefix(raw, "/") {
		j.raise(policy.Dangerous, "a target that is no path")
		return
	}
	plain, odd := http.Normalise(raw)
	for _, o := range odd {
		j.raise(policy.Dangerous, o+": effective path is "+plain)
	}
	if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(raw, "%3A", ""), "%3a", ""), "%") {
		j.raise(policy.Dangerous, "an encoded character in the path")
	}
	if u, err := url.PathUnescape(plain); err == nil {
		plain = u
	}
	parts := strings.FieldsFunc(plain, func(r rune) bool { return r == '/' })
	switch {
	case len(parts) >= 2 && parts[0] == "api" && parts[1] == "v1":
		parts = parts[2:]
	case len(parts) >= 3 && parts[0] == "apis":
		j.call.Group = parts[1]
		parts = parts[3:]
	default:
		j.plain(method, parts)
		return
	}
	j.resource(parts)
}

// resource reads what stands behind the group and version.
func (j *judge) resource(parts []string) {
	if len(parts) > 0 && (parts[0] == "watch" || parts[0] == "proxy") {
		if parts[0] == "proxy" {
			j.raise(policy.Dangerous, "the old proxy path opens a channel into the cluster")
		}
		j.call.Verb = parts[0]
		parts = parts[1:]
	}
	if len(parts) >= 2 && parts[0] == "namespaces" {
		j.call.Namespace = parts[1]
		if len(parts) >= 3 && parts[2] != "status" && parts[2] != "finalize" {
			parts = parts[2:]
		}
	}
	if len(parts) > 0 {
		j.call.Resource = parts[0]
	}
	if len(parts) > 1 {
		j.call.Name = parts[1]
	}
	if len(parts) > 2 {
		j.call.Subresource = parts[2]
	}
	if j.call.Resource == "namespaces" && j.call.Name == "" {
		j.call.Namespace = ""
	}
}

// plain judges the paths that are no resources.
func (j *judge) plain(method string, parts []string) {
	if method != "GET" && method != "HEAD" && method != "OPTIONS" {
		j.raise(policy.Unknown, "a path that is not the API's")
		return
	}
	first := ""
	if len(parts) > 0 {
		first = parts[0]
	}
	switch first {
	case "", "api", "apis", "version", "healthz", "livez", "readyz", "openapi", "metrics", "openid", "swagger.json", ".well-known":
	case "logs", "debug", "flagz", "statusz", "configz":
		j.raise(policy.Dangerous, "the server's own logs and state")
	default:
		j.raise(policy.Unknown, "a path that is not the API's")
	}
}

// isOn reads a switch of a query as the API server does.
func isOn(values []string) bool {
	return len(values) > 0 && values[0] != "0" && !strings.EqualFold(values[0], "false")
}

// verbOf maps the method to the API's verb.
func (j *judge) verbOf(method string, q url.Values) {
	named := j.call.Name != ""
	old := j.call.Verb
	switch method {
	case "GET", "HEAD":
		j.call.Verb = "list"
		if old == "watch" {
			j.call.Verb = "watch"
		} else if named {
			j.call.Verb = "get"
		} else if isOn(q["watch"]) {
			j.call.Verb = "watch"
		}
		if j.call.Resource == "" {
			j.call.Verb = "get"
		}
	case "POST":
		j.call.Verb = "create"
	case "PUT":
		j.call.Verb = "update"
	case "PATCH":
		j.call.Verb = "patch"
	case "DELETE":
		j.call.Verb = "delete"
		if !named {
			j.call.Verb = "deletecollection"
		}
	case "OPTIONS":
		j.call.Verb = "get"
	default:
		j.call.Verb = strings.ToLower(method)
		j.raise(policy.Unknown, "the method "+method+" is not the API's")
	}
}
