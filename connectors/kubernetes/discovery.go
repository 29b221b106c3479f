package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/connectors"
)

// kind is a type of object that the API server knows.
type kind struct {
	group, version string
	name, singular string // in paths, and as one says it of one
	kind           string
	short          []string
	categories     []string
	verbs          []string
	namespaced     bool
}

// full is the name with its group: deployments.apps.
func (k kind) full() string {
	if k.group == "" {
		return k.name
	}
	return k.name + "." + k.group
}

func (k kind) apiVersion() string {
	if k.group == "" {
		return k.version
	}
	return k.group + "/" + k.version
}

// collection is the path of all of them in a namespace; "" is in all, and where
// there are no namespaces.
func (k kind) collection(namespace string) string {
	path := "/apis/" + k.group + "/" + k.version
	if k.group == "" {
		path = "/api/" + k.version
	}
	if k.namespaced && namespace != "" {
		path += "/namespaces/" + segment(namespace)
	}
	return path + "/" + k.name
}

func (k kind) object(namespace, name string) string {
	return k.collection(namespace) + "/" + segment(name)
}

// segment is a name as a part of a path. What would have to be encoded is no name
// of an object, but for colons in those of roles.
func segment(name string) string {
	return strings.NewReplacer("/", "%2F", "?", "%3F", "#", "%23", "%", "%25", " ", "%20").Replace(name)
}

// discovery is what the API server knows, asked for once per connection.
type discovery struct {
	mu    sync.Mutex
	kinds []kind
}

// discoveryForm asks for all groups in one answer, as servers since 1.27 give it.
const discoveryForm = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

// maxDiscovery bounds such an answer.
const maxDiscovery = 16 << 20

// discover is every kind, that of the preferred version first. What it asks is the
// gate's own and noted.
func (c *Conn) discover(ctx context.Context, g connectors.Guard) ([]kind, error) {
	c.known.mu.Lock()
	defer c.known.mu.Unlock()
	if c.known.kinds != nil {
		return c.known.kinds, nil
	}
	var all []kind
	for _, path := range []string{"/api", "/apis"} {
		if err := g.Note(ctx, "GET "+path); err != nil {
			return nil, err
		}
		found, err := c.groups(ctx, path)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	c.known.kinds = all
	return all, nil
}

type groupList struct {
	Kind  string
	Items []struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version   string
			Resources []struct {
				Resource         string
				ResponseKind     struct{ Kind string }
				Scope            string
				SingularResource string
				ShortNames       []string
				Categories       []string
				Verbs            []string
			}
		}
	}
}

func (c *Conn) groups(ctx context.Context, path string) ([]kind, error) {
	ctx, end := c.bound(ctx)
	defer end(nil)
	a, err := c.send(ctx, request{method: "GET", target: path, accept: discoveryForm})
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	switch {
	case a.StatusCode == 401:
		return nil, errUnauthorized
	case a.StatusCode/100 != 2:
		return nil, refusal(a)
	}
	var list groupList
	if err := json.NewDecoder(limited(a.Body, maxDiscovery)).Decode(&list); err != nil {
		return nil, fmt.Errorf("%w: its list of what it knows cannot be read", connectors.ErrProtocol)
	}
	if list.Kind != "APIGroupDiscoveryList" {
		return nil, fmt.Errorf("%w: it does not list what it knows in one answer, as servers since Kubernetes 1.27 do", connectors.ErrUnsupported)
	}
	return list.kinds(), nil
}

func (l groupList) kinds() []kind {
	var out []kind
	for _, g := range l.Items {
		seen := map[string]bool{}
		for _, v := range g.Versions {
			for _, r := range v.Resources {
				if seen[r.Resource] || strings.ContainsAny(r.Resource+v.Version+g.Metadata.Name, "/?#% ") {
					continue // an older version of the same
				}
				seen[r.Resource] = true
				out = append(out, kind{group: g.Metadata.Name, version: v.Version, name: r.Resource, singular: strings.ToLower(r.SingularResource), kind: r.ResponseKind.Kind,
					short: r.ShortNames, categories: r.Categories, verbs: r.Verbs, namespaced: r.Scope == "Namespaced"})
			}
		}
	}
	return out
}

// named finds the kind that people call by the word: po, pods, Pod, deploy.apps,
// deployments.v1.apps.
func named(kinds []kind, word string) (kind, bool) {
	word = strings.ToLower(word)
	name, group, qualified := strings.Cut(word, ".")
	for _, k := range kinds {
		if name != k.name && name != k.singular && name != strings.ToLower(k.kind) && !slices.Contains(k.short, name) {
			continue
		}
		if !qualified || strings.HasPrefix(k.group, group) || group == k.version+"."+k.group || group == k.version && k.group == "" || group == k.version+"." {
			return k, true
		}
	}
	return kind{}, false
}

// ofManifest finds the kind of an object by its apiVersion and kind.
func ofManifest(kinds []kind, apiVersion, name string) (kind, bool) {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	for _, k := range kinds {
		if k.group == group && k.kind == name {
			k.version = version
			return k, true
		}
	}
	return kind{}, false
}
