package kubernetes

import (
	"bytes"
	"encoding/json"
	"io"
	nethttp "net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// sealedPaths are where answers about Secrets and tokens have their values. An
// annotation may hold the whole object as somebody once wrote it.
var sealedPaths = []mask.PathRule{
	{Name: "secrets", Path: "**.data"}, {Name: "secrets", Path: "**.stringData"}, {Name: "secrets", Path: "**.annotations"}, {Name: "secrets", Path: "**.token"},
}

// saidPaths are where an answer says why a request failed.
var saidPaths = []mask.PathRule{{Name: "secrets", Path: "$.message"}, {Name: "secrets", Path: "$.details"}}

// sealing is what is masked, whoever looks, of an answer that may hold credentials. Why
// a request was refused may quote the values of what it is about, by whatever refuses:
// what only says who may not do what, or what is not there, is known and stays.
func sealing(a *nethttp.Response) []mask.PathRule {
	if a.StatusCode/100 == 2 {
		return sealedPaths
	}
	b, _ := io.ReadAll(io.LimitReader(a.Body, maxStatus)) // what more there is, and its error, is read from the body
	a.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b), a.Body), a.Body}
	var said struct{ Message string }
	if json.Unmarshal(b, &said) == nil && harmless.MatchString(said.Message) && bytes.Count(b, []byte(`"message"`)) == 1 {
		return sealedPaths
	}
	return slices.Concat(saidPaths, sealedPaths)
}

// harmless is what the API server itself says in words of its own and of the request.
var harmless = regexp.MustCompile(`^[a-z0-9.]+( "[a-z0-9.:-]*")? (not found|already exists|is forbidden: User "[^"]*" cannot [a-z]+ resource "[a-z0-9/*-]+" in API group "[a-z0-9.]*"( in the namespace "[a-z0-9-]*"| at the cluster scope)?)$`)

// seals reports whether answers to the call hold credentials.
func seals(call *policy.KubernetesCall) bool {
	if call == nil {
		return true
	}
	return strings.Contains(call.Resource, "secret") || strings.Contains(call.Resource, "*") || sealed[call.Resource] || call.Subresource == "token" || strings.HasPrefix(call.Resource, "tokenre")
}

// tells says why a patch would show a Secret's values by what it does with them, ""
// where it does not. Values are hidden by where they are: a JSON Patch could copy one
// to where none is, a label or the name of an owner, or ask whether it is this one.
func tells(r request, call *policy.KubernetesCall) string {
	if r.method != "PATCH" || !seals(call) || strings.HasPrefix(strings.TrimSpace(r.body), "{") {
		return "" // an object is no JSON Patch
	}
	p, ok := http.ReadPatch([]byte(r.body))
	switch {
	case !ok && !strings.HasPrefix(r.contents, jsonPatch):
		return "" // YAML of an object
	case !ok:
		return "the patch of a Secret cannot be read in one way"
	case p.Moves:
		return "a patch of a Secret copies and moves nothing: a value would show where it comes to"
	}
	for _, at := range p.Tests {
		if !strings.HasPrefix(at, "/metadata/") || strings.HasPrefix(at, "/metadata/annotations") {
			return "a patch of a Secret tests nothing but its metadata: the answer would tell of its values"
		}
	}
	return ""
}
