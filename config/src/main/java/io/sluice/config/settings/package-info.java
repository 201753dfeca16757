// SPDX-License-Identifier: Apache-2.0
/** How the agent behaves: Felix's settings and its own, where each value came from. */
package io.sluice.config.settings;
