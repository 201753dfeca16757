// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import java.time.Duration;
import java.util.Optional;

/**
 * After how long without a packet a flow is over, by what it is. An empty value stands for {@code
 * Auto}: what the kernel's own conntrack uses.
 *
 * @param creationGracePeriod how old an entry must be at least before it is judged at all
 * @param tcpFinsSeen both sides have closed
 */
public record ConntrackTimeouts(
    Optional<Duration> creationGracePeriod,
    Optional<Duration> tcpSynSent,
    Optional<Duration> tcpEstablished,
    Optional<Duration> tcpFinsSeen,
    Optional<Duration> tcpResetSeen,
    Optional<Duration> udpTimeout,
    Optional<Duration> genericTimeout,
    Optional<Duration> icmpTimeout) {}
