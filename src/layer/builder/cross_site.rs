//! The guard against other sites.

use super::SpnegoLayerBuilder;

/// # Other sites
impl SpnegoLayerBuilder {
    /// Lets pages of this origin, such as `https://portal.example.com`, send requests that change
    /// something. Whatever such a page sends runs as the person who has it open. For requests by
    /// script the page needs CORS, too; its layer goes outside of this one, so that preflights are
    /// not challenged.
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Self {
        if let Err(error) = self.cross_site.allow_origin(origin.as_ref()) {
            self.bad_origin.get_or_insert(error);
        }
        self
    }

    /// Lets every site's pages send requests that change something.
    ///
    /// Negotiate is ambient: a browser signs in whatever it sends, a form on a stranger's page
    /// included, and no `SameSite` cookie hinders it. Only for an application that guards itself.
    pub fn dangerously_allow_cross_site(mut self) -> Self {
        self.cross_site.disable();
        self
    }
}
