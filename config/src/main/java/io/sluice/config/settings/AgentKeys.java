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
 * @param management where and for whom HTTP is
 * @param cluster the other nodes
 */
public record AgentKeys(
    String nodeName,
    SourceType sourceType,
    Optional<Path> sourcePath,
    boolean sourceRecursive,
    Path bpffs,
    Path dataDir,
    LogLevel logLevel,
    Management management,
    ClusterKeys cluster) {
  /** From which message on the log takes them. */
  public enum LogLevel {
    ERROR,
    WARN,
    INFO,
    DEBUG
  }

  /** The kinds of source that this version has. */
  public enum SourceType {
    /** A folder of manifests. */
    FILE,
    /** What the nodes share, behind {@code sluice apply}. */
    CLUSTER
  }

  /**
   * The agent's HTTP.
   *
   * @param host where it listens
   * @param port 0: any free one
   * @param tls if present, it speaks HTTPS alone; {@code ca}, if given, is asked of clients
   * @param tokenFile if present, requests bear its first line as their token
   */
  public record Management(
      String host, int port, Optional<ManagementTls> tls, Optional<Path> tokenFile) {}

  /** Files in PEM. Clients with a certificate by {@code clientCa} need no token. */
  public record ManagementTls(Path certificate, Path key, Optional<Path> clientCa) {}
}
