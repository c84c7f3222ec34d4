//! Values that are each right and do not fit each other.
//!
//! Bounds of single keys are in `table`; here stands what two keys together make impossible.

use super::Configuration;

/// Everything that does not fit.
pub(super) fn check(configuration: &Configuration) -> Vec<String> {
    let comet = &configuration.comet;
    let mut faults = Vec::new();
    if let Some(echo) = &comet.echo_path {
        let below =
            |mount: &String| echo.strip_prefix(mount.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if !comet.mounts.iter().any(below) {
            faults.push(format!("[server] echo_path is {echo:?}, which lies under none of [server] mounts"));
        }
    }
    if configuration.internal.is_some_and(|internal| internal.port() != 0 && comet.listen.contains(&internal))
    {
        faults.push(
            "[internal] listen is one of [server] listen; operations need an address of their own".into(),
        );
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_has_to_lie_under_a_mount() {
        let mut configuration = Configuration::default();
        for (path, fits) in
            [("/cometd/echo", true), ("/cometdecho", false), ("/echo", false), ("/cometd", false)]
        {
            configuration.comet.echo_path = Some(path.into());
            assert_eq!(check(&configuration).is_empty(), fits, "{path}");
        }
    }

    #[test]
    fn operations_do_not_share_a_public_address() {
        let mut configuration =
            Configuration { internal: Some(([127, 0, 0, 1], 8000).into()), ..Configuration::default() };
        assert_eq!(check(&configuration).len(), 1);
        configuration.internal = None;
        assert!(check(&configuration).is_empty());
    }
}
