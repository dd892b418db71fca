//! A byte trie over tokens, laid out in preorder.
//!
//! The subtree of node `n` is the nodes `n+1 .. end(n)`, and the tokens of a subtree are one slice;
//! so a walk can run over flat memory, skip a subtree, or take it whole. Each node also says which
//! bytes stand below it, which lets a walk take a subtree whole when a lexer state loops on all of
//! them (most of a vocabulary, inside a string).

/// One node; preorder.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// The byte on the edge into this node.
    pub byte: u8,
    /// UTF-8 decoder state at this node, counted from the root ([`utf8`]).
    phase: u8,
    /// Bytes from the root.
    pub depth: u16,
    /// One past the last node of the subtree.
    pub end: u32,
    /// First slot in the token list of the subtree's tokens; this node's own come first.
    first: u32,
    /// First slot in the child table.
    child: u32,
}

/// The trie. `offsets` tells, for a trie of token *rests*, how many bytes of the token came before.
#[derive(Debug, Default)]
pub struct Trie {
    nodes: Vec<Node>,
    ascii: Vec<u128>,
    leads: Vec<u64>,
    /// Bytes of the longest token rest below a node.
    heights: Vec<u16>,
    tokens: Vec<u32>,
    offsets: Vec<u16>,
    child_bytes: Vec<u8>,
    child_nodes: Vec<u32>,
    root: Vec<u32>,
    /// Of a large trie only.
    index: Option<Index>,
}

/// Where bytes stand in a trie.
#[derive(Debug)]
struct Index {
    parents: Vec<u32>,
    /// Nodes in order, by ASCII byte, then by first byte of a character beyond it (128 + bit of [`lead`]).
    nodes: Vec<Vec<u32>>,
}

/// The bit, in a set of first bytes of characters beyond ASCII, that stands for bytes that are no well-formed
/// characters, and for characters inside which some token ends.
pub const BROKEN: u32 = 63;
/// The first byte of a character beyond ASCII that has bit 0 in such a set.
const FIRST_LEAD: u8 = 0xC2;
/// The number of bits before the one for what is broken.
pub const LEADS: u32 = 0xF4 - 0xC2 + 1;

/// The first byte of a character that has this bit in a set of them.
pub fn lead(bit: u32) -> u8 {
    FIRST_LEAD + bit as u8
}
/// From so many nodes on a trie is indexed.
const MIN_INDEXED: usize = 2000;

const NONE: u32 = u32::MAX;

impl Trie {
    /// Builds from (bytes, token, bytes before). Byte strings may repeat; the empty one stands at
    /// the root. No string may be longer than 65,535 bytes.
    pub fn new(mut items: Vec<(&[u8], u32, u16)>) -> Trie {
        items.sort_unstable();
        let mut trie = Trie::default();
        let mut parents: Vec<u32> = vec![NONE];
        let root = Node { byte: 0, phase: 0, depth: 0, end: 0, first: 0, child: 0 };
        trie.nodes.push(root);
        let mut path: Vec<u32> = vec![0];
        let mut last: &[u8] = &[];
        for &(bytes, token, before) in &items {
            let common = last.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            trie.close(&mut path, common);
            for &byte in &bytes[common..] {
                let parent = path[path.len() - 1];
                let phase = utf8(trie.nodes[parent as usize].phase, byte);
                let node =
                    Node { byte, phase, depth: path.len() as u16, end: 0, first: trie.tokens.len() as u32, child: 0 };
                path.push(trie.nodes.len() as u32);
                trie.nodes.push(node);
                parents.push(parent);
            }
            trie.tokens.push(token);
            trie.offsets.push(before);
            last = bytes;
        }
        trie.close(&mut path, 0);
        let end = trie.nodes.len() as u32;
        trie.nodes[0].end = end;
        trie.nodes.push(Node { end, first: trie.tokens.len() as u32, ..root });
        trie.link(&parents);
        trie.look_below(&parents);
        if parents.len() >= MIN_INDEXED {
            trie.index(parents);
        }
        trie
    }

    fn close(&mut self, path: &mut Vec<u32>, depth: usize) {
        let end = self.nodes.len() as u32;
        for n in path.drain(depth + 1..) {
            self.nodes[n as usize].end = end;
        }
    }

    /// The child table: a counting sort of the nodes by parent, which keeps the order of bytes.
    fn link(&mut self, parents: &[u32]) {
        let n = parents.len();
        let mut count = vec![0u32; n + 1];
        for &p in &parents[1..] {
            count[p as usize + 1] += 1;
        }
        for i in 0..n {
            count[i + 1] += count[i];
        }
        for (node, &at) in self.nodes.iter_mut().zip(&count) {
            node.child = at;
        }
        self.child_bytes = vec![0; n - 1];
        self.child_nodes = vec![0; n - 1];
        let mut next = count;
        for i in 1..n {
            let slot = &mut next[parents[i] as usize];
            self.child_bytes[*slot as usize] = self.nodes[i].byte;
            self.child_nodes[*slot as usize] = i as u32;
            *slot += 1;
        }
        let mut root = vec![NONE; 256];
        for (byte, node) in self.children(0) {
            root[byte as usize] = node;
        }
        self.root = root;
    }

    fn look_below(&mut self, parents: &[u32]) {
        self.ascii = vec![0; parents.len()];
        self.leads = vec![0; parents.len()];
        self.heights = vec![0; parents.len()];
        for i in (1..parents.len()).rev() {
            let (byte, parent) = (self.nodes[i].byte, parents[i] as usize);
            self.ascii[parent] |= self.ascii[i] | if byte < 128 { 1 << byte } else { 0 };
            self.leads[parent] |= self.leads[i];
            self.heights[parent] = self.heights[parent].max(self.heights[i] + 1);
            if self.is_broken(i as u32) {
                self.leads[parent] |= 1 << BROKEN;
            } else if byte >= 128 && self.nodes[parent].phase == 0 {
                self.leads[parent] |= 1 << (byte - FIRST_LEAD);
            }
        }
    }

    /// Whether the node is no UTF-8, or a token ends here inside a character.
    fn is_broken(&self, n: u32) -> bool {
        let phase = self.nodes[n as usize].phase;
        phase == ILL_FORMED || (phase != 0 && self.has_own(n))
    }

    fn index(&mut self, parents: Vec<u32>) {
        let mut broken = vec![false; parents.len()];
        let mut nodes = vec![Vec::new(); 128 + BROKEN as usize + 1];
        for i in (1..parents.len()).rev() {
            let byte = self.nodes[i].byte;
            broken[i] |= self.is_broken(i as u32);
            let parent = parents[i] as usize;
            if byte < 128 {
                nodes[usize::from(byte)].push(i as u32);
            }
            if self.nodes[parent].phase != 0 {
                broken[parent] |= broken[i];
            } else if byte >= 128 {
                let bit = if broken[i] { BROKEN as u8 } else { byte - FIRST_LEAD };
                nodes[128 + usize::from(bit)].push(i as u32);
            }
        }
        nodes.iter_mut().for_each(|list| list.reverse());
        self.index = Some(Index { parents, nodes });
    }

    /// The nodes below `n` of an ASCII byte, or of 128 + a bit of first bytes; `None` where nobody counted them.
    pub fn occurrences(&self, n: u32, symbol: usize) -> Option<&[u32]> {
        let list = &self.index.as_ref()?.nodes[symbol];
        let from = list.partition_point(|&i| i <= n);
        let end = self.nodes[n as usize].end;
        Some(&list[from..from + list[from..].partition_point(|&i| i < end)])
    }

    /// The node above, in an indexed trie.
    pub fn parent(&self, n: u32) -> u32 {
        self.index.as_ref().map_or(0, |index| index.parents[n as usize])
    }

    /// Tokens that end at the nodes from `from` up to `to`.
    pub fn between(&self, from: u32, to: u32) -> &[u32] {
        &self.tokens[self.nodes[from as usize].first as usize..self.nodes[to as usize].first as usize]
    }

    /// Number of nodes, the root among them.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// True when no token is in it.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The node itself.
    #[inline]
    pub fn node(&self, n: u32) -> &Node {
        &self.nodes[n as usize]
    }

    /// ASCII bytes that stand below the node.
    #[inline]
    pub fn ascii_below(&self, n: u32) -> u128 {
        self.ascii[n as usize]
    }

    /// Bytes of the longest rest of a token below the node.
    pub fn height(&self, n: u32) -> u16 {
        self.heights[n as usize]
    }

    /// First bytes of characters beyond ASCII that stand below the node, as [`lead`] numbers them, and [`BROKEN`].
    #[inline]
    pub fn leads_below(&self, n: u32) -> u64 {
        self.leads[n as usize]
    }

    /// Whether the node is between two characters of UTF-8 (counted from the root).
    #[inline]
    pub fn at_boundary(&self, n: u32) -> bool {
        self.nodes[n as usize].phase == 0
    }

    /// Whether anything stands below the node.
    #[inline]
    pub fn has_children(&self, n: u32) -> bool {
        self.nodes[n as usize].end > n + 1
    }

    fn has_own(&self, n: u32) -> bool {
        self.nodes[n as usize].first < self.nodes[n as usize + 1].first
    }

    /// Tokens that end at the node.
    #[inline]
    pub fn own(&self, n: u32) -> &[u32] {
        &self.tokens[self.nodes[n as usize].first as usize..self.nodes[n as usize + 1].first as usize]
    }

    /// Tokens that end below the node.
    #[inline]
    pub fn below(&self, n: u32) -> &[u32] {
        let node = &self.nodes[n as usize];
        &self.tokens[self.nodes[n as usize + 1].first as usize..self.nodes[node.end as usize].first as usize]
    }

    /// (token, bytes of the token before this trie's root) for what ends at or below the node.
    pub fn rests(&self, n: u32) -> impl Iterator<Item = (u32, u16)> + '_ {
        self.slots(n).map(|i| (self.tokens[i as usize], self.offsets[i as usize]))
    }

    /// Where [`Trie::rests`] of the node stand among those of the root.
    pub fn slots(&self, n: u32) -> std::ops::Range<u32> {
        let node = &self.nodes[n as usize];
        node.first..self.nodes[node.end as usize].first
    }

    /// Number of tokens that end at or below the node.
    pub fn count(&self, n: u32) -> usize {
        let node = &self.nodes[n as usize];
        (self.nodes[node.end as usize].first - node.first) as usize
    }

    /// The child along a byte.
    #[inline]
    pub fn child(&self, n: u32, byte: u8) -> Option<u32> {
        if n == 0 {
            let c = self.root[byte as usize];
            return (c != NONE).then_some(c);
        }
        let from = self.nodes[n as usize].child as usize;
        let to = self.nodes[n as usize + 1].child as usize;
        let bytes = &self.child_bytes[from..to];
        bytes.iter().position(|&b| b == byte).map(|i| self.child_nodes[from + i])
    }

    /// The node that a word leads to; `tokens` are added that end on the way, those at that node left out.
    pub fn along(&self, n: u32, word: &[u8], tokens: &mut Vec<u32>) -> Option<u32> {
        word.iter().try_fold(n, |n, &byte| {
            tokens.extend(self.own(n));
            self.child(n, byte)
        })
    }

    /// The children, by byte.
    pub fn children(&self, n: u32) -> impl Iterator<Item = (u8, u32)> + '_ {
        let from = self.nodes[n as usize].child as usize;
        let to = self.nodes[n as usize + 1].child as usize;
        (from..to).map(|i| (self.child_bytes[i], self.child_nodes[i]))
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        let indexed = if self.index.is_some() { 8 } else { 0 };
        self.nodes.len() * (std::mem::size_of::<Node>() + 26 + 5 + indexed) + self.tokens.len() * 6
    }
}

/// The decoder state for bytes that are no UTF-8.
pub const ILL_FORMED: u8 = 255;

/// One step of a UTF-8 decoder. 0: between characters; 1..3: so many continuation bytes to come;
/// 4..7: after E0, ED, F0, F4, whose next byte is restricted (Unicode, table 3-7).
pub fn utf8(phase: u8, byte: u8) -> u8 {
    match (phase, byte) {
        (0, 0..=0x7F) => 0,
        (0, 0xC2..=0xDF) => 1,
        (0, 0xE0) => 4,
        (0, 0xED) => 5,
        (0, 0xE1..=0xEF) => 2,
        (0, 0xF0) => 6,
        (0, 0xF4) => 7,
        (0, 0xF1..=0xF3) => 3,
        (1, 0x80..=0xBF) => 0,
        (2, 0x80..=0xBF) | (4, 0xA0..=0xBF) | (5, 0x80..=0x9F) => 1,
        (3, 0x80..=0xBF) | (6, 0x90..=0xBF) | (7, 0x80..=0x8F) => 2,
        _ => ILL_FORMED,
    }
}
