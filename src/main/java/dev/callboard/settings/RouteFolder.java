package dev.callboard.settings;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The folder that {@code callboard.routes} names, and the providers in it. A provider is a file {@code <name>.schema.json}
 * with a file {@code <name>.camel.yaml} beside it.
 *
 * @param path the folder
 * @param files the pattern of the route files' names
 * @param providers the names of the providers, in alphabetical order
 */
record RouteFolder(Path path, String files, Set<String> providers) {
    private static final String KEY = "callboard.routes";
    private static final String SCHEME = "file:";
    /** As the tables have it. */
    private static final int MAX_NAME = 50;

    /** Its keys are no provider's. */
    private static final String RESERVED = "events";

    private static final Pattern SCHEMA = Pattern.compile("([a-z][a-z0-9-]*)\\.schema\\.json");

    /**
     * Reads the folder.
     *
     * @param routes the value of {@code callboard.routes}
     * @throws StartException if there is no such folder, no provider in it, or a schema without a route file or
     *     with a name that is too long
     */
    static RouteFolder of(String routes) {
        if (!routes.startsWith(SCHEME)) {
            throw StartException.of(KEY, "'" + routes + "' does not begin with " + SCHEME);
        }
        int slash = routes.lastIndexOf('/');
        Path folder = Path.of(slash < 0 ? "." : routes.substring(SCHEME.length(), slash));
        String files = routes.substring(Math.max(slash, SCHEME.length() - 1) + 1);
        Set<String> providers = new TreeSet<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(folder)) {
            for (Path file : found) {
                Matcher matcher = SCHEMA.matcher(file.getFileName().toString());
                if (matcher.matches()) {
                    providers.add(matcher.group(1));
                }
            }
        } catch (IOException e) {
            throw StartException.of(KEY, "there is no folder " + folder);
        }
        for (String provider : providers) {
            if (provider.length() > MAX_NAME) {
                throw new StartException(folder.resolve(provider + ".schema.json")
                        + ": the provider's name has more than " + MAX_NAME + " characters");
            }
            if (provider.equals(RESERVED)) {
                throw new StartException(folder.resolve(provider + ".schema.json")
                        + ": a provider can't have this name, since callboard." + RESERVED
                        + ".* are settings of its own");
            }
            Path routeFile = folder.resolve(provider + ".camel.yaml");
            if (!Files.exists(routeFile)) {
                throw new StartException(folder.resolve(provider + ".schema.json") + ": has no "
                        + routeFile.getFileName() + " beside it");
            }
        }
        if (providers.isEmpty()) {
            throw StartException.of(
                    KEY,
                    "the folder " + folder + " has no <provider>.schema.json with a <provider>.camel.yaml beside it, so"
                            + " there is no provider");
        }
        return new RouteFolder(folder, files, Collections.unmodifiableSet(providers));
    }

    /**
     * The route files as Camel finds them: it does not look into a folder that is a symbolic link.
     *
     * @throws StartException if the folder does not exist any more
     */
    String include() {
        try {
            Path real = Files.isSymbolicLink(path) ? path.toRealPath() : path;
            return SCHEME + real + "/" + files;
        } catch (IOException e) {
            throw StartException.of(KEY, "there is no folder " + path);
        }
    }
}
