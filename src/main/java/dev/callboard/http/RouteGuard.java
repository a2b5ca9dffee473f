package dev.callboard.http;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Endpoint;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RemoveHeadersDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SetVariableDefinition;
import org.apache.camel.model.ToDefinition;
import org.apache.camel.model.language.ConstantExpression;

/** What must be true of the route files that people edit, checked when they have been read. */
public final class RouteGuard {
    private static final Pattern FILE = Pattern.compile("[A-Za-z0-9._-]+\\.camel\\.yaml");

    private static final String SOURCE_CHECK = "bean:sourceCheck?method=admit";
    private static final String STRIKE_OUT = "bean:tokens?method=strikeOut";

    private RouteGuard() {}

    /** The file, or the route and so its file, that an error of Camel's names, with a colon; or nothing. */
    public static String nameOfBroken(Throwable error) {
        for (Throwable e = error; e != null; e = e.getCause()) {
            if (e instanceof FailedToCreateRouteException route) {
                return "routes/" + route.getRouteId() + ".camel.yaml: ";
            }
            if (e instanceof FailedToStartRouteException route) {
                return "routes/" + route.getRouteId() + ".camel.yaml: ";
            }
            Matcher matcher = FILE.matcher(String.valueOf(e.getMessage()));
            if (matcher.find()) {
                return "routes/" + matcher.group() + ": ";
            }
        }
        return "";
    }

    /**
     * Checks a route before it can take its first request, at the start and when it was edited.
     *
     * @throws StartException if it opens an HTTP path and its first step, but for forgetting headers and naming the
     *     provider, does not ask who is calling; or if it keeps the token that its provider's URL carries
     */
    public static void check(RouteDefinition route, Endpoint from, Settings settings) {
        if (!from.getEndpointUri().startsWith("platform-http:")) {
            return;
        }
        String file = "routes/" + route.getRouteId() + ".camel.yaml: ";
        if (!checksSourceFirst(route)) {
            throw new StartException(
                    file + "opens an HTTP path, so its first step must be bean:sourceCheck?method=admit;"
                            + " only removeHeaders and setVariable with a constant may stand before it");
        }
        String provider = route.getRouteId().replaceFirst("^receive-", "");
        boolean hasToken = settings.providerNames().contains(provider)
                && !settings.providers().get(provider).tokens().isEmpty();
        if (hasToken && !route.getOutputs().stream().anyMatch(step -> isBean(step, STRIKE_OUT))) {
            throw new StartException(file + "has no step " + STRIKE_OUT + ", so it would keep callboard." + provider
                    + ".token where the provider repeats it");
        }
    }

    private static boolean checksSourceFirst(RouteDefinition route) {
        for (ProcessorDefinition<?> step : route.getOutputs()) {
            if (isBean(step, SOURCE_CHECK)) {
                return true;
            }
            // What a route configuration adds is abstract: it runs when something fails.
            boolean harmless = step.isAbstract()
                    || step instanceof RemoveHeadersDefinition
                    || (step instanceof SetVariableDefinition variable
                            && variable.getExpression() instanceof ConstantExpression);
            if (!harmless) {
                return false;
            }
        }
        return false;
    }

    private static boolean isBean(ProcessorDefinition<?> step, String uri) {
        return step instanceof ToDefinition to && to.getUri().equals(uri);
    }
}
