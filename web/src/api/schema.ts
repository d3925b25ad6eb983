// Written by `npm run api` from `/api/openapi.json` of the service. Do not edit.

export interface paths {
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the service does its work
         * @description 503 when the table or a queue does not answer.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One video, by the name that such a route often has */
        get: operations["getJobStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload a small file as a form
         * @description `curl -F file=@film.mp4 -F title=Holidays http://localhost:8080/api/upload`. The file goes through this service; at most 5 GiB, on AWS
         *     about 4 MB, which is what a function takes.
         */
        post: operations["postFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/upload/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Send a file where this points to
         * @description `curl -L -T film.mp4 http://localhost:8080/api/upload/film.mp4` uploads a film: the answer sends the client on to S3. The video is
         *     named by `X-Video-Id` and `Link`. At most 5 GiB; on AWS 10 MB, because curl begins to send the file to API Gateway.
         */
        put: operations["putFile"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All your videos, as it happens
         * @description Events `video` hold a `Video` that changed, or that is being worked at. Events `deleted` hold the id of one. An event `reset` says
         *     that changes may have been missed: list the videos again. Connect first, then list: so nothing is missed. An event may come twice.
         */
        get: operations["watchVideos"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Announces a file
         * @description The answer says where to send its first parts. The same fingerprint leads to the same upload while that is unfinished, the same
         *     idempotency key also afterwards; such an answer has status 200.
         */
        post: operations["createUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What S3 has of a file
         * @description Ask this after a crash, or on another device, and send what is missing.
         */
        get: operations["getUpload"];
        put?: never;
        post?: never;
        /**
         * Gives an upload up
         * @description Its video, whatever became of it, is removed with it.
         */
        delete: operations["deleteUpload"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * All parts are sent
         * @description They are checked against what S3 has, and joined. Completing it again is harmless. 202 says that S3 is still joining them: ask
         *     again, or just wait for the video.
         */
        post: operations["completeUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/parts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Where to send parts
         * @description Asked for again, a part gets a fresh URL. Asking keeps the upload from expiring.
         */
        post: operations["createPartUrls"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/videos": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your videos, the newest first */
        get: operations["listVideos"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/videos/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One video */
        get: operations["getVideo"];
        put?: never;
        post?: never;
        /**
         * Delete a video
         * @description Jobs that run for it stop within seconds, and everything of it is removed.
         */
        delete: operations["deleteVideo"];
        options?: never;
        head?: never;
        /** Rename a video, or change who finds it */
        patch: operations["updateVideo"];
        trace?: never;
    };
    "/api/v1/videos/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One video, as it happens
         * @description Events `video` hold a `Video`, the first one as it is now; the stream ends after the one that is `ready` or `failed`. An event
         *     `deleted` holds its id, and is the last one.
         */
        get: operations["watchVideo"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/videos/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a failed video again
         * @description What is done stays done. When one job is named, it alone gets new attempts; of the others, those that have attempts left go on.
         */
        post: operations["retryVideo"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What is to be changed. */
        ChangeVideo: {
            /**
             * @description A new title.
             * @default null
             */
            title?: string | null;
            /** @default null */
            visibility?: components["schemas"]["Visibility"] | null;
        };
        /** @description Completes an upload. What the client knows of its parts is checked against what S3 has. */
        CompleteUpload: {
            /** @description Checksums of all parts, some or none. */
            parts?: components["schemas"]["WantedPart"][];
        };
        /** @description A job whose last attempt failed. */
        FailingJob: {
            /**
             * Format: int32
             * @description Attempts so far.
             */
            attempts: number;
            /** @description How the last one failed. */
            error: string;
            /** @description The job. */
            job: components["schemas"]["Job"];
        };
        /** @description Why a video failed. */
        Failure: {
            /**
             * @description Stable, for programs; `docs/API.md` has the list.
             * @example unsupported_codec
             */
            code: string;
            /** @description What happened and what to do. */
            message: string;
            /** @description Whether trying again can help. */
            retryable: boolean;
        };
        /** @description A file in a form. */
        FileForm: {
            /**
             * Format: binary
             * @description The file, with its name; at most 5 GiB.
             */
            file: string;
            /** @description What the video is to be called; by default as the file. */
            title?: string | null;
        };
        /** @description The state of the service. */
        Health: {
            /**
             * Format: int64
             * @description Other tasks that wait.
             */
            bulk_waiting: number;
            /**
             * Format: int64
             * @description Tasks that were given up and that nobody has looked at.
             */
            dead_letters: number;
            /** @description Version of FFmpeg, where this program runs it. */
            ffmpeg_version?: string | null;
            /**
             * Format: int64
             * @description Tasks that workers have taken: they are at them, or keep them for another attempt.
             */
            in_flight: number;
            /**
             * Format: int64
             * @description Tasks that wait because somebody waits for them.
             */
            interactive_waiting: number;
            /**
             * Format: date-time
             * @description When a video last became ready, if one of the fifty that changed last did.
             */
            last_success_at?: string | null;
            /** @description Version of the program. */
            version: string;
            /**
             * Format: int32
             * @description Tasks that the workers can do at a time, where this program runs them.
             */
            workers?: number | null;
        };
        /**
         * @description 128 random bits in Crockford's base 32: who knows it may use it
         * @example 01JD2Q4ZK8M3T9V7XN5RWB6CEH
         */
        Id: string;
        /** @description A job: the chunk of this index, of the pictures or of the sound */
        Job: {
            video: number;
        } | {
            audio: number;
        };
        /** @description Announces a file. */
        NewUpload: {
            /**
             * @description Its MIME type. What is declared to be something else than a video is refused; content decides what the rest is.
             * @example video/mp4
             */
            content_type?: string | null;
            /** @description What the file is called; for people. */
            file_name: string;
            /** @description What the client knows the file by, such as a hash of name, size and time: the same one leads to the same unfinished upload. */
            fingerprint?: string | null;
            /**
             * Format: int64
             * @description Its size.
             */
            size_bytes: number;
            /** @description What the video is to be called; by default as the file. */
            title?: string | null;
            /** @description Who finds the video. */
            visibility?: components["schemas"]["Visibility"];
        };
        /** @description Where one part is to be sent, by `PUT`, with exactly its bytes as the body. */
        PartUrl: {
            /**
             * Format: date-time
             * @description When it stops working.
             */
            expires_at: string;
            /** @description Headers to be sent along. */
            headers: {
                [key: string]: string;
            };
            /**
             * Format: int32
             * @description From 1.
             */
            part_number: number;
            /**
             * Format: int64
             * @description Bytes of the part.
             */
            size_bytes: number;
            /** @description A bearer token until it expires: keep it to yourself. */
            url: string;
        };
        /** @description Part URLs. */
        PartUrls: {
            /** @description In the order they were asked for. */
            part_urls: components["schemas"]["PartUrl"][];
        };
        /** @description A problem as it is sent. */
        Problem: {
            /** @description What happened this time, and what to do. */
            detail: string;
            /** @description Part numbers, where parts are the matter. */
            parts?: number[];
            /**
             * Format: int32
             * @description The HTTP status code.
             */
            status: number;
            /** @description The same for every problem of this type. */
            title: string;
            /**
             * @description Stable, for programs: `/problems/{kind}`.
             * @example /problems/not-found
             */
            type: string;
        };
        /** @description How far a video is. */
        Progress: {
            /**
             * Format: int64
             * @description Seconds until the pictures are done, if the work goes on as it went lately; none until there is something to go by.
             */
            eta_secs?: number | null;
            /** @description Jobs whose last attempt failed, 20 at most. Any can be tried again by itself once the video has failed. */
            failing: components["schemas"]["FailingJob"][];
            /**
             * Format: int32
             * @description Jobs in all.
             */
            jobs: number;
            /**
             * Format: int32
             * @description Jobs done.
             */
            jobs_done: number;
            /**
             * Format: double
             * @description 0 to 100; 100 only when every job is done.
             */
            percent: number;
            /** @description Each rung, largest first. */
            rungs: components["schemas"]["Rung"][];
        };
        /** @description What to try again. */
        Retry: {
            /** @default null */
            job?: components["schemas"]["Job"] | null;
        };
        /** @description How far one rung is. */
        Rung: {
            /**
             * @description Its name.
             * @example 720p
             */
            name: string;
            /**
             * Format: int32
             * @description Segments in all, as planned.
             */
            segments: number;
            /**
             * Format: int32
             * @description Segments encoded.
             */
            segments_done: number;
        };
        /** @description An upload as clients see it. */
        Upload: {
            /**
             * Format: date-time
             * @description When it is given up unless somebody asks for part URLs before.
             */
            expires_at: string;
            /** @description Its id: a secret of who uploads. */
            id: components["schemas"]["Id"];
            /** @description Those that S3 does not have yet. */
            missing_parts: number[];
            /**
             * Format: int64
             * @description Size of every part but the last.
             */
            part_size_bytes: number;
            /** @description Where to send the first missing parts, eight at most. */
            part_urls: components["schemas"]["PartUrl"][];
            /**
             * Format: int32
             * @description How many parts there are, numbered from 1.
             */
            parts: number;
            /**
             * Format: int64
             * @description The announced size.
             */
            size_bytes: number;
            /** @description Where it is. */
            status: components["schemas"]["UploadStatus"];
            /** @description The video it becomes. */
            video_id: components["schemas"]["Id"];
        };
        /**
         * @description Where an upload is
         * @enum {string}
         */
        UploadStatus: "open" | "completing" | "completed" | "aborted";
        /** @description A video as clients see it. */
        Video: {
            /**
             * Format: date-time
             * @description When its upload was announced.
             */
            created_at: string;
            /**
             * Format: double
             * @description Length in seconds, once known.
             */
            duration_secs?: number | null;
            failure?: components["schemas"]["Failure"] | null;
            /**
             * Format: int32
             * @description Height of the pictures, once known.
             */
            height?: number | null;
            /** @description Its id. */
            id: components["schemas"]["Id"];
            /** @description Whether it plays from the start, perhaps not yet to its end. */
            playable: boolean;
            /** @description What to give to an HLS player, once it plays. */
            playback_url?: string | null;
            /** @description A still, once there is one. */
            poster_url?: string | null;
            progress?: components["schemas"]["Progress"] | null;
            /**
             * Format: date-time
             * @description When it became ready.
             */
            ready_at?: string | null;
            /**
             * Format: int64
             * @description Counts its changes: a larger one is newer.
             */
            revision: number;
            /**
             * Format: int64
             * @description Size of the file.
             */
            size_bytes: number;
            /** @description Where it is. */
            status: components["schemas"]["VideoStatus"];
            /** @description What it is called. */
            title: string;
            /**
             * Format: date-time
             * @description When it changed last.
             */
            updated_at: string;
            /** @description Who finds it. */
            visibility: components["schemas"]["Visibility"];
            /**
             * Format: int32
             * @description Width of the pictures, once known.
             */
            width?: number | null;
        };
        /** @description A page of videos. */
        VideoPage: {
            /** @description Asks for the next page; none on the last. */
            next_cursor?: string | null;
            /** @description Newest first. */
            videos: components["schemas"]["Video"][];
        };
        /**
         * @description Where a video is
         * @enum {string}
         */
        VideoStatus: "uploading" | "queued" | "processing" | "ready" | "failed";
        /**
         * @description Who finds a video; who has its link can watch it either way
         * @enum {string}
         */
        Visibility: "unlisted" | "public";
        /** @description One wanted part. */
        WantedPart: {
            /**
             * @description CRC-32C of its bytes in base 64: S3 then takes no other bytes.
             * @example 4waSgw==
             */
            checksum_crc32c?: string | null;
            /**
             * Format: int32
             * @description From 1.
             */
            part_number: number;
        };
        /** @description Asks for part URLs. */
        WantedParts: {
            /** @description The parts. */
            parts: components["schemas"]["WantedPart"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getJobStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Video"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postFile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["FileForm"];
            };
        };
        responses: {
            201: {
                headers: {
                    /** @description Path of the video */
                    location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Video"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/upload-state`: Not possible in this state
             *     * `/problems/upload-incomplete`: Upload incomplete
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/too-large-for-one-request`: Too large for one request
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unsupported-media-type`: Unsupported media type
             */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/empty`: Not accepted
             *     * `/problems/too_large`: Not accepted
             *     * `/problems/not_video`: Not accepted
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/too-many-uploads`: Too many unfinished uploads
             */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description What the file is called */
                name: string;
            };
            cookie?: never;
        };
        /** @description The file; only its size is looked at here */
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description Send the same request there */
            307: {
                headers: {
                    /** @description Path of the video, `rel="related"` */
                    link?: string;
                    /** @description Takes exactly this many bytes, for an hour */
                    location?: string;
                    /** @description Id of the video */
                    "x-video-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Video"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/length-required`: Length required
             */
            411: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/too-large-for-one-request`: Too large for one request
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/empty`: Not accepted
             *     * `/problems/too_large`: Not accepted
             *     * `/problems/not_video`: Not accepted
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/too-many-uploads`: Too many unfinished uploads
             */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    watchVideos: {
        parameters: {
            query?: never;
            header?: {
                /** @description Where the client left off: it is told all that changed since */
                "last-event-id"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createUpload: {
        parameters: {
            query?: never;
            header?: {
                /** @description Names this request: sent again with the same key, it makes no second upload */
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUpload"];
            };
        };
        responses: {
            /** @description It was announced before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            201: {
                headers: {
                    /** @description Path of the upload */
                    location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/content-too-large`: Content too large
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unsupported-media-type`: Unsupported media type
             */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/empty`: Not accepted
             *     * `/problems/too_large`: Not accepted
             *     * `/problems/not_video`: Not accepted
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/too-many-uploads`: Too many unfinished uploads
             */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    completeUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CompleteUpload"] | null;
            };
        };
        responses: {
            /** @description The file is there, and its video is queued */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /** @description S3 is joining the parts */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/upload-state`: Not possible in this state
             *     * `/problems/upload-incomplete`: Upload incomplete
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/content-too-large`: Content too large
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unsupported-media-type`: Unsupported media type
             */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createPartUrls: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WantedParts"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartUrls"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/upload-state`: Not possible in this state
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/content-too-large`: Content too large
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unsupported-media-type`: Unsupported media type
             */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listVideos: {
        parameters: {
            query?: {
                /** @description Only these. */
                status?: components["schemas"]["VideoStatus"];
                /** @description At most so many: 1 to 200, by default 50. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VideoPage"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getVideo: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Video"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteVideo: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateVideo: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeVideo"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Video"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/content-too-large`: Content too large
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unsupported-media-type`: Unsupported media type
             */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    watchVideo: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the client knows: it is not told again */
                "last-event-id"?: string | null;
            };
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description The client knows the last event: an `EventSource` does not come back */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryVideo: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Retry"] | null;
            };
        };
        responses: {
            /** @description It is being tried again */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Video"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/invalid-request`: Invalid request
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-found`: Not found
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/not-retryable`: Cannot be tried again
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/content-too-large`: Content too large
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unsupported-media-type`: Unsupported media type
             */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A problem of one of these types:
             *     * `/problems/unavailable`: Unavailable
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
