package dev.callboard.db;

import dev.callboard.settings.StartException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;

/** Where H2 keeps its file. Only its owner may read it, since it holds what providers sent. */
final class H2File {
    /** H2's ending for the file of a database. */
    private static final String SUFFIX = ".mv.db";

    private final String path;

    H2File(String url) {
        this.path = url.substring(H2Engine.PREFIX.length()).split(";", 2)[0].replaceFirst("^file:", "");
    }

    /** The file, which may not exist; empty if it is in a file system of H2's own. */
    Optional<Path> path() {
        return base().map(base -> base.resolveSibling(base.getFileName() + SUFFIX));
    }

    /** Whether there is a database. */
    boolean exists() {
        return path().map(Files::exists).orElse(true);
    }

    /** The file without its ending. */
    private Optional<Path> base() {
        if (path.matches("[A-Za-z]\\w+:.*")) {
            return Optional.empty();
        }
        return Optional.of(
                Path.of(path.replaceFirst("^~/", Matcher.quoteReplacement(System.getProperty("user.home") + "/")))
                        .toAbsolutePath()
                        .normalize());
    }

    /**
     * Creates the folder if it is missing, and takes all permissions on it and on the database's files from others than
     * their owner.
     *
     * @throws StartException if that fails
     */
    void restrictAccess() {
        if (base().isEmpty()) {
            return;
        }
        Path database = base().get();
        Path folder = database.getParent();
        try {
            PrivateFiles.createFolder(folder);
            // In the working directory there are other files, to which others may need access.
            if (!folder.equals(Path.of("").toAbsolutePath())) {
                PrivateFiles.restrictFolder(folder);
            }
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, database.getFileName() + ".*.db")) {
                for (Path file : files) {
                    PrivateFiles.restrictFile(file);
                }
            }
        } catch (IOException e) {
            throw StartException.of(
                    Database.KEY, "the folder " + folder + " can't be made private (" + e.getMessage() + ")");
        }
    }
}
