package dev.callboard.security;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import dev.callboard.text.SafeText;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code sourceCheck}, the first step of each route that opens an HTTP path: is the client address in the
 * provider's allow list, and does the URL have the provider's token, if one is set? It reads the request itself, and not
 * the message, into which Camel copies query parameters and form fields. Safe for use by any number of threads.
 */
public final class SourceCheck {
    private static final Logger LOG = LoggerFactory.getLogger(SourceCheck.class);

    private final Map<String, List<AddressRange>> allowedSources = new HashMap<>();
    private final ClientAddressResolver resolver;
    private final Tokens tokens;
    private final Rejections rejections;

    public SourceCheck(Settings settings, Tokens tokens, Rejections rejections) {
        settings.providers().forEach((name, provider) -> allowedSources.put(name, provider.allowedSources()));
        this.resolver = new ClientAddressResolver(settings.trustedProxies());
        this.tokens = tokens;
        this.rejections = rejections;
    }

    /**
     * Admits the caller and sets the variables {@code clientAddress} and {@code method}, the HTTP method.
     *
     * @throws CallerRejectedException if this caller may not call for the provider in the variable {@code provider}
     */
    public void admit(Exchange exchange) throws CallerRejectedException {
        String provider = exchange.getVariable("provider", String.class);
        HttpServerRequest request = exchange.getMessage(HttpMessage.class).getRequest();
        try {
            Client client = check(provider, peer(request), request.headers(), request.query());
            exchange.setVariable("clientAddress", Client.text(client.address()));
            exchange.setVariable("method", request.method().name());
            if (request.method().equals(HttpMethod.GET)) {
                LOG.info("admitted probe provider={} client={} (a callback would be admitted too)", provider, client);
            }
        } catch (CallerRejectedException e) {
            rejections.add(provider, e);
            throw e;
        }
    }

    /** Whether any route may admit this request; otherwise its body need not be read. Logs and counts nothing. */
    public boolean mayAdmit(HttpServerRequest request) {
        try {
            Client client = resolver.resolve(peer(request), request.headers());
            String query = request.query();
            for (String provider : allowedSources.keySet()) {
                if (isAllowed(provider, client.address())
                        && tokens.problem(provider, query).isEmpty()) {
                    return true;
                }
            }
            return false;
        } catch (CallerRejectedException e) {
            return false;
        }
    }

    /** Whether a connection from this address may carry a request that is admitted: of a trusted proxy or a provider. */
    public boolean mayAdmitPeer(String peer) {
        return resolver.isTrustedProxy(peer)
                || AddressRange.parseAddress(ClientAddressResolver.withoutZone(peer))
                        .filter(address ->
                                allowedSources.keySet().stream().anyMatch(provider -> isAllowed(provider, address)))
                        .isPresent();
    }

    private static String peer(HttpServerRequest request) {
        return String.valueOf(request.remoteAddress().hostAddress());
    }

    /**
     * The decision, a pure function of the settings and the parameters.
     *
     * @param query the query of the URL as sent; null without one
     */
    Client check(String provider, String peer, MultiMap headers, String query) throws CallerRejectedException {
        Client client = resolver.resolve(peer, headers);
        if (!isAllowed(provider, client.address())) {
            throw new CallerRejectedException(
                    RejectionReason.ADDRESS, client.network(), client.toString(), addressHint(provider, client));
        }
        Optional<String> problem = tokens.problem(provider, query);
        if (problem.isPresent()) {
            throw new CallerRejectedException(
                    RejectionReason.TOKEN,
                    client.network(),
                    client.toString(),
                    problem.get() + "; it must have callboard." + provider + ".token");
        }
        return client;
    }

    private boolean isAllowed(String provider, InetAddress address) {
        return AddressRange.anyContains(allowedSources.getOrDefault(provider, List.of()), address);
    }

    private static String addressHint(String provider, Client client) {
        boolean thisMachine =
                client.proxies().isEmpty() && AddressRange.anyContains(AddressRange.LOOPBACK, client.address());
        return "add it to callboard." + provider + ".allowed-sources if it is " + SafeText.capitalized(provider) + "'s"
                + (thisMachine ? "; for a first try on this machine, set callboard.trial=true" : "");
    }
}
