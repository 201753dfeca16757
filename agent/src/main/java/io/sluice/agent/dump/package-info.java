// SPDX-License-Identifier: Apache-2.0
/** The dataplane's tables in words: what {@code sluice dump} and the HTTP API show. */
package io.sluice.agent.dump;
