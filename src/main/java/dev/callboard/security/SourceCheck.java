package dev.callboard.security;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import dev.callboard.text.SafeText;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.WebServerRequest;
import java.net.InetAddress;
import java.net.InetSocketAddress;
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
 * the message, into which Camel copies query parameters and form fields. The server decides before it reads a body, so
 * the step in the route finds that decision with the request. Safe for use by any number of threads.
 */
public final class SourceCheck {
    private static final Logger LOG = LoggerFactory.getLogger(SourceCheck.class);

    /** The key of the decision in the data of a request, which no caller can set. */
    private static final String ADMITTED = SourceCheck.class.getName();

    private final Map<String, List<AddressRange>> allowedSources = new HashMap<>();
    private final ClientAddressResolver resolver;
    private final Tokens tokens;
    private final Rejections rejections;

    /** The caller of a request is admitted for a provider. */
    private record Admitted(String provider, Client client) {}

    public SourceCheck(Settings settings, Tokens tokens, Rejections rejections) {
        settings.providers().forEach((name, provider) -> allowedSources.put(name, provider.allowedSources()));
        this.resolver = new ClientAddressResolver(settings.trustedProxies());
        this.tokens = tokens;
        this.rejections = rejections;
    }

    /**
     * Decides about a request of a provider before its body is read, and keeps the decision with the request for {@link
     * #admit}. A rejected caller is logged and counted.
     *
     * @return whether the caller is admitted
     */
    public boolean decide(String provider, RoutingContext context) {
        try {
            HttpServerRequest request = context.request();
            Client client = check(provider, peer(request.connection()), request.headers(), request.query());
            context.put(ADMITTED, new Admitted(provider, client));
            return true;
        } catch (CallerRejectedException e) {
            rejections.add(provider, e);
            return false;
        }
    }

    /** Whether {@link #decide} has admitted the caller of this request. */
    public boolean isAdmitted(RoutingContext context) {
        return admitted(context).isPresent();
    }

    private static Optional<Admitted> admitted(RoutingContext context) {
        return Optional.ofNullable(context.get(ADMITTED));
    }

    /**
     * Admits the caller and sets the variables {@code clientAddress} and {@code method}, the HTTP method.
     *
     * @throws CallerRejectedException if this caller may not call for the provider in the variable {@code provider}
     */
    public void admit(Exchange exchange) throws CallerRejectedException {
        String provider = exchange.getVariable("provider", String.class);
        HttpServerRequest request = exchange.getMessage(HttpMessage.class).getRequest();
        Client client = client(provider, request);
        exchange.setVariable("clientAddress", Client.text(client.address()));
        exchange.setVariable("method", request.method().name());
        if (request.method().equals(HttpMethod.GET)) {
            LOG.info("admitted probe provider={} client={} (a callback would be admitted too)", provider, client);
        }
    }

    private Client client(String provider, HttpServerRequest request) throws CallerRejectedException {
        Optional<Admitted> decided = request instanceof WebServerRequest web
                ? admitted(web.routingContext())
                        .filter(admitted -> admitted.provider().equals(provider))
                : Optional.empty();
        if (decided.isPresent()) {
            return decided.get().client();
        }
        try {
            return check(provider, peer(request.connection()), request.headers(), request.query());
        } catch (CallerRejectedException e) {
            rejections.add(provider, e);
            throw e;
        }
    }

    /**
     * Reports a request that was answered without its route, if its caller is admitted.
     *
     * @param problem for the log and the alert; of what the caller sent only text that is cut and cleaned
     */
    public void reportInvalid(RoutingContext context, int status, String problem) {
        admitted(context)
                .ifPresent(admitted -> rejections.addInvalid(admitted.provider(), admitted.client(), status, problem));
    }

    /**
     * Reports a request whose head is invalid, so that maybe not all of it is known, if its caller is admitted
     * or its peer may send requests of admitted callers.
     *
     * @param provider the provider whose path it has; empty if it has none
     */
    public void reportInvalid(HttpServerRequest request, Optional<String> provider, int status, String problem) {
        Optional<InetAddress> peer = peer(request.connection());
        try {
            if (provider.isPresent()) {
                Client client = check(provider.get(), peer, request.headers(), request.query());
                rejections.addInvalid(provider.get(), client, status, problem);
                return;
            }
        } catch (CallerRejectedException e) {
            // Known by its peer at most.
        }
        peer.filter(this::mayAdmit).ifPresent(address -> rejections.logInvalid(Client.text(address), status, problem));
    }

    /** Whether a connection may carry a request that is admitted: its peer is a trusted proxy or a provider. */
    public boolean mayAdmit(HttpConnection connection) {
        return peer(connection).filter(this::mayAdmit).isPresent();
    }

    private boolean mayAdmit(InetAddress peer) {
        return resolver.isTrustedProxy(peer)
                || allowedSources.keySet().stream().anyMatch(provider -> isAllowed(provider, peer));
    }

    /** Not from Vert.x, which has it as text only, and for a request looks at its scheme and host as well. */
    private static Optional<InetAddress> peer(HttpConnection connection) {
        return ((ConnectionBase) connection).channel().remoteAddress() instanceof InetSocketAddress peer
                ? Optional.ofNullable(peer.getAddress())
                : Optional.empty();
    }

    /**
     * The decision, a pure function of the settings and the parameters.
     *
     * @param peer the address of the connection's peer; empty if it has none
     * @param query the query of the URL as sent; null without one
     */
    Client check(String provider, Optional<InetAddress> peer, MultiMap headers, String query)
            throws CallerRejectedException {
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
