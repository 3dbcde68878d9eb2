//! Writes KERB_VALIDATION_INFO as a KDC does, right or wrong, and keeps where its lengths are.

/// KERB_VALIDATION_INFO (MS-PAC section 2.5).
#[derive(Clone)]
pub(super) struct Info {
    pub(super) times: [u64; 6],
    pub(super) account: Vec<u16>,
    pub(super) full_name: &'static str,
    pub(super) counts: u32,
    pub(super) user_id: u32,
    pub(super) primary_group_id: u32,
    pub(super) groups: Vec<(u32, u32)>,
    pub(super) user_flags: u32,
    pub(super) domain_sid: &'static str,
    pub(super) account_flags: u32,
    pub(super) extra_sids: Vec<(&'static str, u32)>,
    pub(super) resource_domain: Option<&'static str>,
    pub(super) resource_groups: Vec<(u32, u32)>,
}

/// Such as Samba writes it.
impl Default for Info {
    fn default() -> Self {
        const NEVER: u64 = 0x7fff_ffff_ffff_ffff;
        Self {
            times: [1, NEVER, NEVER, 2, 3, NEVER],
            account: "alice".encode_utf16().collect(),
            full_name: "",
            counts: 1,
            user_id: 1103,
            primary_group_id: 513,
            groups: vec![(513, 7)],
            user_flags: 0x20,
            domain_sid: "S-1-5-21-1-2-3",
            account_flags: 0x10,
            extra_sids: vec![("S-1-18-1", 7)],
            resource_domain: None,
            resource_groups: Vec::new(),
        }
    }
}

#[derive(Default)]
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    /// Where lengths, counts and offsets of arrays are, and how many bytes they take.
    pub(super) lengths: Vec<(usize, usize)>,
    referents: u32,
}

impl Info {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.write().bytes
    }

    pub(super) fn write(&self) -> Written {
        let mut out = Written::default();
        out.bytes.extend([1, 0x10, 8, 0, 0xcc, 0xcc, 0xcc, 0xcc]);
        out.length(0);
        out.u32(0);

        out.pointer();
        for time in self.times {
            out.bytes.extend(time.to_le_bytes());
        }
        let full_name: Vec<u16> = self.full_name.encode_utf16().collect();
        out.string(&self.account, 0);
        out.string(&full_name, 0);
        for _ in 0..4 {
            out.string(&[], 0);
        }
        out.u32(self.counts);
        out.u32(self.user_id);
        out.u32(self.primary_group_id);
        out.array(self.groups.len());
        out.u32(self.user_flags);
        out.bytes.extend([0; 16]);
        let server: Vec<u16> = "DC1".encode_utf16().collect();
        let domain: Vec<u16> = "PACDOM".encode_utf16().collect();
        out.string(&server, 1);
        out.string(&domain, 1);
        out.pointer();
        out.bytes.extend([0; 8]);
        out.u32(self.account_flags);
        out.bytes.extend([0; 28]);
        out.array(self.extra_sids.len());
        match self.resource_domain {
            Some(_) => out.pointer(),
            None => out.u32(0),
        }
        out.array(self.resource_groups.len());

        out.text(&self.account, 0);
        out.text(&full_name, 0);
        for _ in 0..4 {
            out.text(&[], 0);
        }
        out.memberships(&self.groups);
        out.text(&server, 1);
        out.text(&domain, 1);
        out.sid(self.domain_sid);
        if !self.extra_sids.is_empty() {
            out.length(self.extra_sids.len());
        }
        for (_, attributes) in &self.extra_sids {
            out.pointer();
            out.u32(*attributes);
        }
        for (sid, _) in &self.extra_sids {
            out.sid(sid);
        }
        if let Some(sid) = self.resource_domain {
            out.sid(sid);
        }
        out.memberships(&self.resource_groups);

        out.align(8);
        let length = u32::try_from(out.bytes.len() - 16).unwrap();
        out.bytes[8..12].copy_from_slice(&length.to_le_bytes());
        out
    }
}

impl Written {
    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    fn u32(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend(number.to_le_bytes());
    }

    fn length(&mut self, length: usize) {
        self.align(4);
        self.lengths.push((self.bytes.len(), 4));
        self.u32(u32::try_from(length).unwrap());
    }

    fn pointer(&mut self) {
        self.u32(0x20000 + 4 * self.referents);
        self.referents += 1;
    }

    fn array(&mut self, count: usize) {
        self.length(count);
        match count {
            0 => self.u32(0),
            _ => self.pointer(),
        }
    }

    /// With room for `spare` more code units.
    fn string(&mut self, text: &[u16], spare: usize) {
        for length in [text.len(), text.len() + spare] {
            self.lengths.push((self.bytes.len(), 2));
            let length = u16::try_from(length * 2).unwrap();
            self.bytes.extend(length.to_le_bytes());
        }
        self.pointer();
    }

    fn text(&mut self, text: &[u16], spare: usize) {
        for length in [text.len() + spare, 0, text.len()] {
            self.length(length);
        }
        self.bytes
            .extend(text.iter().copied().flat_map(u16::to_le_bytes));
    }

    fn memberships(&mut self, groups: &[(u32, u32)]) {
        if groups.is_empty() {
            return;
        }
        self.length(groups.len());
        for (rid, attributes) in groups {
            self.u32(*rid);
            self.u32(*attributes);
        }
    }

    fn sid(&mut self, sid: &str) {
        let bytes = super::sid(sid).to_bytes();
        self.length(usize::from(bytes[1]));
        self.lengths.push((self.bytes.len() + 1, 1));
        self.bytes.extend(bytes);
    }
}
