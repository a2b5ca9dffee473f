package dev.callboard.security;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code sourceCheck}, the first step of each route that opens an HTTP path: is this caller one that the
 * provider's allow list names, and does its URL carry the provider's token if one is set? It reads the request itself
 * and nothing that a query parameter or a form field could have put beside it. Safe for any number of threads.
 */
public final class SourceCheck {
    private static final Logger LOG = LoggerFactory.getLogger(SourceCheck.class);

    private final Map<String, List<AddressRange>> allowed = new HashMap<>();
    private final ClientAddressResolver callerAddress;
    private final Tokens tokens;
    private final Rejections refusals;

    public SourceCheck(Settings settings, Tokens tokens, Rejections refusals) {
        for (String provider : settings.providerNames()) {
            allowed.put(provider, settings.providers().get(provider).allowedSources());
        }
        this.callerAddress = new ClientAddressResolver(settings.trustedProxies());
        this.tokens = tokens;
        this.refusals = refusals;
    }

    /**
     * Lets the caller in and sets the variables {@code sourceAddress} and {@code method}, the request's own.
     *
     * @throws CallerRejectedException if the variable {@code provider} names a provider that this caller can't speak for
     */
    public void admit(Exchange exchange) throws CallerRejectedException {
        String provider = exchange.getVariable("provider", String.class);
        HttpServerRequest request = exchange.getMessage(HttpMessage.class).getRequest();
        try {
            Client caller = decide(provider, peer(request), request.headers(), request.query());
            exchange.setVariable("sourceAddress", Client.text(caller.address()));
            exchange.setVariable("method", request.method().name());
            if (request.method().equals(HttpMethod.GET)) {
                LOG.info("would let in a caller of {}: {}", provider, caller);
            }
        } catch (CallerRejectedException e) {
            refusals.note(provider, e);
            throw e;
        }
    }

    /** Whether any route could let this request in; its body need not be read if none could. Leaves no trace. */
    public boolean couldAdmit(HttpServerRequest request) {
        try {
            Client caller = callerAddress.find(peer(request), request.headers());
            return allowed.keySet().stream().anyMatch(provider -> refusal(provider, caller, request.query())
                    .isEmpty());
        } catch (CallerRejectedException e) {
            return false;
        }
    }

    /** Whether a connection from there can carry a request that is let in: a proxy's, or one of an allow list's. */
    public boolean knows(String peer) {
        return callerAddress.isTrustedProxy(peer)
                || AddressRange.parseAddress(ClientAddressResolver.withoutZone(peer))
                        .filter(address ->
                                allowed.values().stream().anyMatch(ranges -> AddressRange.anyContains(ranges, address)))
                        .isPresent();
    }

    private static String peer(HttpServerRequest request) {
        return String.valueOf(request.remoteAddress().hostAddress());
    }

    /**
     * The decision alone: depends on nothing but the settings and what is given.
     *
     * @param query the URL's query as sent, or null
     */
    Client decide(String provider, String peer, MultiMap headers, String query) throws CallerRejectedException {
        Client caller = callerAddress.find(peer, headers);
        Optional<CallerRejectedException> refusal = refusal(provider, caller, query);
        if (refusal.isPresent()) {
            throw refusal.get();
        }
        return caller;
    }

    private Optional<CallerRejectedException> refusal(String provider, Client caller, String query) {
        if (!AddressRange.anyContains(allowed.getOrDefault(provider, List.of()), caller.address())) {
            return Optional.of(new CallerRejectedException(
                    RejectionReason.ADDRESS,
                    caller.place(),
                    caller + " is not in callboard." + provider + ".allowed-sources" + hint(caller)));
        }
        return tokens.objection(provider, query)
                .map(objection -> new CallerRejectedException(
                        RejectionReason.TOKEN,
                        caller.place(),
                        caller + " " + objection + " (callboard." + provider + ".token)"));
    }

    private static String hint(Client caller) {
        return caller.proxies().isEmpty() && AddressRange.anyContains(AddressRange.LOOPBACK, caller.address())
                ? " (for a first try on this machine: callboard.trial=true)"
                : "";
    }
}
