package pattern

type nodeKind uint8

const (
	endNode    nodeKind = iota // everything is consumed: a match
	endDirNode                 // the same, for a directory only
	nameNode                   // one component has to match comp
	deepNode                   // "**": any number of components
)

// node is a place in an alternative: what has to come from there to the end.
type node struct {
	kind nodeKind
	comp *component
	next int32
}

// The ends are the first nodes of every graph.
const (
	endID int32 = iota
	endDirID
)

// graph collects the alternatives of a pattern. Alternatives that go on alike share the
// nodes, so that a thousand of them in front of one "/**/*.txt" cost what one does from
// there on.
type graph struct {
	nodes      []node
	ids        map[node]int32
	components map[string]*component
}

func newGraph() *graph {
	return &graph{
		nodes:      []node{endID: {kind: endNode}, endDirID: {kind: endDirNode}},
		ids:        make(map[node]int32),
		components: make(map[string]*component),
	}
}

// add enters an alternative and returns the node that it begins with.
func (g *graph) add(src *source, alt alternative) int32 {
	id := endID
	if alt.dirOnly {
		id = endDirID
	}
	for i := len(alt.components) - 1; i >= 0; i-- {
		name := alt.components[i]
		if isDeep(name) {
			// "**/**" is "**".
			if g.nodes[id].kind != deepNode {
				id = g.node(node{kind: deepNode, next: id})
			}
			continue
		}
		key := src.key(name)
		comp, ok := g.components[key]
		if !ok {
			comp = src.compile(name)
			g.components[key] = comp
		}
		id = g.node(node{kind: nameNode, comp: comp, next: id})
	}
	return id
}

// node returns the one node that is n.
func (g *graph) node(n node) int32 {
	id, ok := g.ids[n]
	if !ok {
		id = int32(len(g.nodes))
		g.nodes = append(g.nodes, n)
		g.ids[n] = id
	}
	return id
}

// enter adds node id to a set of live nodes, and with a "**" what is behind it: it may
// stand for no component. There is never a second "**" behind it.
func (p *Pattern) enter(set []int32, id int32) []int32 {
	set = append(set, id)
	if n := p.nodes[id]; n.kind == deepNode {
		set = append(set, n.next)
	}
	return set
}

// advance appends to dst the nodes that are live when name has been consumed.
func (p *Pattern) advance(dst, live []int32, name string) []int32 {
	for _, id := range live {
		switch n := &p.nodes[id]; {
		case n.kind == deepNode:
			dst = p.enter(dst, id)
		case n.kind == nameNode && n.comp.match(name):
			dst = p.enter(dst, n.next)
		}
	}
	if len(dst) > 1 {
		dst = sortedSet(dst)
	}
	return dst
}

func (p *Pattern) accepts(live []int32, isDir bool) bool {
	for _, id := range live {
		if k := p.nodes[id].kind; k == endNode || k == endDirNode && isDir {
			return true
		}
	}
	return false
}
