package dev.callboard.task;

import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeExtension;
import org.apache.camel.Route;
import org.apache.camel.model.Model;
import org.apache.camel.model.ModelLifecycleStrategySupport;
import org.apache.camel.model.OnExceptionDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.errorhandler.NoErrorHandlerDefinition;
import org.apache.camel.spi.RoutePolicy;
import org.apache.camel.support.RoutePolicySupport;

/**
 * Holds the routers of the providers to their contract, whatever their users write into them. A router either has the
 * callback recorded, or its caller gets an exception: a 200 and the deletion from the quarantine depend on that. And it
 * ends only itself: a {@code stop}, a rollback or an error handler of its own does not end the route that called it. Safe
 * for use by any number of threads.
 */
public final class RouterContract {
    private final Set<String> providers;
    private final RoutePolicy policy = new Enforcement();

    /** @param providers the providers' names, which are the ids of their routers */
    public RouterContract(Set<String> providers) {
        this.providers = providers;
    }

    /** Enforces the contract on each router from now on. To be called before Camel reads routes. */
    public void enforce(CamelContext camel) {
        camel.addRoutePolicyFactory((context, routeId, route) -> providers.contains(routeId) ? policy : null);
        Model model = camel.getCamelContextExtension().getContextPlugin(Model.class);
        model.addModelLifecycleStrategy(new ModelLifecycleStrategySupport() {
            @Override
            public void onAddRouteDefinition(RouteDefinition route) {
                leaveErrorsToCaller(route);
            }
        });
    }

    /**
     * Camel's default error handler would log an error with what the message says of the body, and not let the caller
     * handle it.
     */
    private static void leaveErrorsToCaller(RouteDefinition route) {
        boolean handlesErrors = route.isErrorHandlerFactorySet()
                || route.getRouteConfigurationId() != null
                || route.getOutputs().stream().anyMatch(OnExceptionDefinition.class::isInstance);
        if (route.getInput().getEndpointUri().startsWith("direct:") && !handlesErrors) {
            route.setErrorHandlerFactory(new NoErrorHandlerDefinition());
        }
    }

    private static final class Enforcement extends RoutePolicySupport {
        @Override
        public void onExchangeBegin(Route route, Exchange exchange) {
            Receipt.issue(exchange);
        }

        @Override
        public void onExchangeDone(Route route, Exchange exchange) {
            goOnInCaller(exchange);
            Receipt receipt = Receipt.of(exchange);
            if (exchange.getException() == null && !receipt.isRecorded()) {
                exchange.setException(receipt.failure("the route " + route.getRouteId() + file(route)));
            }
        }

        private static void goOnInCaller(Exchange exchange) {
            exchange.setRouteStop(false);
            exchange.setRollbackOnly(false);
            exchange.setRollbackOnlyLast(false);
            ExchangeExtension state = exchange.getExchangeExtension();
            state.setErrorHandlerHandled(null);
            state.setRedeliveryExhausted(false);
        }

        private static String file(Route route) {
            return route.getSourceResource() == null
                    ? ""
                    : " (" + route.getSourceResource().getLocation() + ")";
        }
    }
}
