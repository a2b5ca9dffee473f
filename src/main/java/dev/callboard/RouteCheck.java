package dev.callboard;

import dev.callboard.http.RouteGuard;
import dev.callboard.settings.StartException;
import dev.callboard.task.Outcome;
import dev.callboard.task.ResultKind;
import dev.callboard.text.Similar;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.builder.RouteBuilderLifecycleStrategy;
import org.apache.camel.model.ExpressionNode;
import org.apache.camel.model.Model;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.ProcessorDefinitionHelper;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;
import org.apache.camel.model.SetVariableDefinition;
import org.apache.camel.model.SetVariablesDefinition;
import org.apache.camel.model.ToDynamicDefinition;
import org.apache.camel.model.errorhandler.DeadLetterChannelDefinition;
import org.apache.camel.model.language.ConstantExpression;
import org.apache.camel.model.language.ExpressionDefinition;
import org.apache.camel.model.language.SimpleExpression;
import org.apache.camel.spi.Resource;

/**
 * Checks what the user's routes name, where Camel would find a mistake only when a callback comes or never: the routes
 * that they call, the methods of beans, route configurations, and the words in variables. What a route computes is not
 * checked here; the recorder rejects an unknown word then. Safe for use by any number of threads.
 */
final class RouteCheck implements RouteBuilderLifecycleStrategy {
    /** The scheme and the name of an endpoint that calls another route. */
    private static final Pattern CALL = Pattern.compile("((?:direct|seda):)(?://)?([^?\0]+)(?:\\?.*)?");

    private static final Pattern BEAN = Pattern.compile("bean:(?://)?([^?]+)\\?(?:.*&)?method=(\\w+)(?:[^\\w].*)?");
    private static final Pattern FUNCTION = Pattern.compile("\\$(?:simple)?\\{[^{}]*\\}");
    private static final String COMPUTED = "\0";

    private final CamelContext camel;
    private final RouteGuard guard;
    private final Map<String, Collection<String>> words = new LinkedHashMap<>();

    /** What has been read so far, with its file. */
    private final Map<String, String> files = new ConcurrentHashMap<>();

    /** @param alertKinds the codes of all kinds of alerts that a route may set */
    RouteCheck(CamelContext camel, RouteGuard guard, Set<String> alertKinds) {
        this.camel = camel;
        this.guard = guard;
        words.put("outcome", Outcome.codesForRoutes());
        words.put("alert", alertKinds);
        words.put("kind", ResultKind.codes());
    }

    /** Called by Camel for each route file when it has been read, at the start and after an edit. */
    @Override
    public void afterConfigure(RouteBuilder builder) {
        String file = location(builder.getResource());
        List<String> names = new ArrayList<>();
        builder.getRouteCollection().getRoutes().forEach(route -> names.add("route " + route.getRouteId()));
        builder.getRouteTemplateCollection()
                .getRouteTemplates()
                .forEach(template -> names.add("route template " + template.getId()));
        builder.getTemplatedRouteCollection().getTemplatedRoutes().forEach(route -> {
            names.add("route " + route.getRouteId());
            route.getParameters().stream()
                    .filter(parameter -> parameter.getName().equals(RouteGuard.PROVIDER))
                    .forEach(parameter -> names.add("provider " + parameter.getValue()));
        });
        Set<String> own = new HashSet<>();
        for (String name : names) {
            String other = files.get(name);
            boolean elsewhere = other != null && !isSame(file, other);
            if (!name.endsWith(" null") && (!own.add(name) || elsewhere)) {
                throw new StartException(
                        file + ": has the " + name + ", which is " + (elsewhere ? "also in " + other : "in it twice"));
            }
        }
        files.values().removeIf(other -> isSame(file, other));
        own.forEach(name -> files.put(name, file));
    }

    /** Camel names a file by its absolute path or by the one in the settings. */
    private static boolean isSame(String file, String other) {
        return Path.of(file)
                .toAbsolutePath()
                .normalize()
                .equals(Path.of(other).toAbsolutePath().normalize());
    }

    private static String location(Resource resource) {
        return resource == null ? "" : resource.getLocation().replaceFirst("^file:", "");
    }

    /**
     * Checks the user's routes that run.
     *
     * @throws StartException for the first mistake, with the file, the route and the name
     */
    void check() {
        check(List.of());
    }

    /**
     * Checks the user's routes as they would be with some of them edited.
     *
     * @throws StartException for the first mistake, with the file, the route and the name
     */
    void check(Collection<RouteDefinition> edited) {
        Map<String, RouteDefinition> routes = new LinkedHashMap<>();
        model().getRouteDefinitions().forEach(route -> routes.put(route.getRouteId(), route));
        edited.forEach(route -> routes.put(route.getRouteId(), route));
        Set<String> callable = new TreeSet<>();
        routes.values().forEach(route -> {
            Matcher from = CALL.matcher(resolved(route, route.getInput().getEndpointUri()));
            if (from.matches()) {
                callable.add(from.group(1) + from.group(2));
            }
        });
        routes.values().stream().filter(guard::isUsers).forEach(route -> check(route, callable));
    }

    private void check(RouteDefinition route, Set<String> callable) {
        checkConfigurations(route);
        List<String> uris = new ArrayList<>();
        if (route.getErrorHandlerFactory() instanceof DeadLetterChannelDefinition handler) {
            uris.add(handler.getDeadLetterUri());
        }
        for (ProcessorDefinition<?> step : steps(route)) {
            if (step instanceof SendDefinition<?> send) {
                uris.add(send.getUri());
            } else if (step instanceof ToDynamicDefinition send) {
                uris.add(literal(send.getUri()));
            } else if (step instanceof SetVariableDefinition variable) {
                checkWords(route, variable);
            } else if (step instanceof SetVariablesDefinition variables) {
                variables.getVariables().forEach(variable -> checkWords(route, variable));
            } else if (step instanceof ExpressionNode node) {
                // enrich, recipientList, routingSlip
                uris.addAll(List.of(constant(node.getExpression()).split(",", -1)));
            }
        }
        for (String uri : uris) {
            checkUri(route, resolved(route, uri).strip(), callable);
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Collection<ProcessorDefinition<?>> steps(RouteDefinition route) {
        return (Collection)
                ProcessorDefinitionHelper.filterTypeInOutputs(route.getOutputs(), ProcessorDefinition.class);
    }

    private void checkUri(RouteDefinition route, String uri, Set<String> callable) {
        Matcher call = CALL.matcher(uri);
        if (call.matches() && !callable.contains(call.group(1) + call.group(2))) {
            String name = call.group(1) + call.group(2);
            throw mistake(route, "calls " + name + ", but no route begins with it", name, callable);
        }
        Matcher bean = BEAN.matcher(uri);
        Object target = bean.matches() ? camel.getRegistry().lookupByName(bean.group(1)) : null;
        if (target != null) {
            Set<String> methods = new TreeSet<>();
            Arrays.stream(target.getClass().getMethods()).map(Method::getName).forEach(methods::add);
            if (!methods.contains(bean.group(2))) {
                throw mistake(
                        route,
                        "calls the method " + bean.group(2) + " of the bean " + bean.group(1) + ", which has none",
                        bean.group(2),
                        methods);
            }
        }
    }

    /** Camel ignores the id of a route configuration that does not exist. */
    private void checkConfigurations(RouteDefinition route) {
        Set<String> known = new TreeSet<>();
        model().getRouteConfigurationDefinitions().forEach(configuration -> known.add(configuration.getId()));
        Set<String> missing = new HashSet<>();
        if (route.getRouteConfigurationId() != null) {
            missing.addAll(List.of(route.getRouteConfigurationId().split(",", -1)));
        }
        missing.removeIf(id -> id.contains("*") || known.contains(id));
        for (String id : missing) {
            throw mistake(route, "names the route configuration " + id + ", which does not exist", id, known);
        }
    }

    private void checkWords(RouteDefinition route, SetVariableDefinition variable) {
        Collection<String> allowed = words.get(variable.getName());
        if (allowed == null) {
            return;
        }
        String value = resolved(route, constant(variable.getExpression()));
        String[] given = variable.getName().equals("alert") ? value.split(",", -1) : new String[] {value};
        Stream.of(given)
                .map(String::strip)
                .filter(word -> !word.isEmpty() && !word.contains(COMPUTED) && !allowed.contains(word))
                .findFirst()
                .ifPresent(word -> {
                    throw mistake(
                            route,
                            "sets " + variable.getName() + " to '" + word + "', which is none of "
                                    + String.join(", ", allowed),
                            word,
                            allowed);
                });
    }

    /** The text of an expression, with {@link #COMPUTED} for what it computes. */
    private static String constant(ExpressionDefinition expression) {
        if (expression == null || expression.getExpression() == null) {
            return COMPUTED;
        }
        String text = expression.getExpression();
        if (text.startsWith("resource:")) {
            return COMPUTED;
        }
        if (expression instanceof ConstantExpression) {
            return text;
        }
        return expression instanceof SimpleExpression ? literal(text) : COMPUTED;
    }

    private static String literal(String simple) {
        String text = simple;
        while (FUNCTION.matcher(text).find()) {
            text = FUNCTION.matcher(text).replaceAll(COMPUTED);
        }
        return text;
    }

    /** A text with its placeholders replaced; unchanged if one has no value, which Camel rejects itself. */
    private String resolved(RouteDefinition route, String text) {
        String resolved = text;
        if (route.getTemplateParameters() != null) {
            for (Map.Entry<String, Object> parameter :
                    route.getTemplateParameters().entrySet()) {
                resolved = resolved.replace("{{" + parameter.getKey() + "}}", String.valueOf(parameter.getValue()));
            }
        }
        try {
            return camel.resolvePropertyPlaceholders(resolved);
        } catch (IllegalArgumentException e) {
            return COMPUTED;
        }
    }

    private StartException mistake(RouteDefinition route, String what, String name, Collection<String> candidates) {
        return new StartException(guard.where(route) + "the route " + route.getRouteId() + " " + what
                + Similar.nearest(name, candidates)
                        .map(meant -> "; did you mean " + meant + "?")
                        .orElse(""));
    }

    private Model model() {
        return camel.getCamelContextExtension().getContextPlugin(Model.class);
    }
}
