package dev.callboard;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.ProcessorDefinitionHelper;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.ToDefinition;

/** What must be true of the route files that people edit, checked when they have been read. */
final class RouteFiles {
    private static final Pattern FILE = Pattern.compile("[A-Za-z0-9._-]+\\.camel\\.yaml");

    private RouteFiles() {}

    /** The file, or the route and so its file, that an error of Camel's names, with a colon; or nothing. */
    static String nameOfBroken(Throwable error) {
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

    /** @throws StartException if a route opens an HTTP path without asking who is calling */
    static void check(CamelContext camel) {
        for (RouteDefinition route : ((ModelCamelContext) camel).getRouteDefinitions()) {
            if (route.getInput().getEndpointUri().startsWith("platform-http:") && !checksSource(route)) {
                throw new StartException("routes/" + route.getRouteId()
                        + ".camel.yaml: opens an HTTP path, but has no step bean:sourceCheck?method=admit");
            }
        }
    }

    private static boolean checksSource(RouteDefinition route) {
        for (ProcessorDefinition<?> step :
                ProcessorDefinitionHelper.filterTypeInOutputs(route.getOutputs(), ProcessorDefinition.class)) {
            if (step instanceof ToDefinition to && to.getUri().startsWith("bean:sourceCheck?method=admit")) {
                return true;
            }
        }
        return false;
    }
}
