// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The agent's own keys.
 *
 * @param nodeName which Node this is; the host's name by default
 * @param sourceType where resources come from
 * @param sourcePath the folder of manifests; present if the source is {@code file}
 * @param sourceRecursive whether folders in it are read too
 * @param bpffs where a BPF file system is mounted
 * @param dataDir where the journal lives
 * @param logLevel how much the agent itself says
 * @param managementHost where HTTP listens
 * @param managementPort 0: any free one
 */
public record AgentKeys(
    String nodeName,
    SourceType sourceType,
    Optional<Path> sourcePath,
    boolean sourceRecursive,
    Path bpffs,
    Path dataDir,
    LogLevel logLevel,
    String managementHost,
    int managementPort) {
  /** From which message on the log takes them. */
  public enum LogLevel {
    ERROR,
    WARN,
    INFO,
    DEBUG
  }

  /** The kinds of source that this version has. */
  public enum SourceType {
    FILE
  }
}
